//! The targets over the kept corpus and a bounded number of mutations of it, on stable Rust.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fuzz_targets::{Mutator, TARGETS, corpus};

#[test]
fn no_input_of_the_corpus_and_no_mutation_of_it_panics() {
    for target in TARGETS {
        let kept = corpus(target.name).expect(target.name);
        let mut mutator = Mutator::new(kept.clone(), 1);
        let mutated = (0..target.iterations).map(|_| mutator.next_input());
        for input in kept.into_iter().chain(mutated) {
            let result = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
            let shown = String::from_utf8_lossy(&input);
            assert!(result.is_ok(), "{}: keep this input in its corpus: {shown:?}", target.name);
        }
    }
}

#[test]
fn a_seed_makes_the_same_inputs_again() {
    let inputs = |seed| {
        let mut mutator = Mutator::new(vec![b"one".to_vec(), b"two".to_vec()], seed);
        (0..100).map(|_| mutator.next_input()).collect::<Vec<_>>()
    };
    assert_eq!(inputs(7), inputs(7));
    assert_ne!(inputs(7), inputs(8));
}

#[test]
fn every_target_has_a_program_for_libfuzzer() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    for target in TARGETS {
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
    }
}
