//! Mutations of inputs, the same for the same seed.

/// The longest input in bytes. A request head is at most this long.
const MAX_LENGTH: usize = 64 * 1024;

/// Makes inputs from a corpus.
#[derive(Debug)]
pub struct Mutator {
    corpus: Vec<Vec<u8>>,
    random: fastrand::Rng,
}

impl Mutator {
    /// Creates a mutator of a corpus that is not empty.
    pub fn new(corpus: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { corpus, random: fastrand::Rng::with_seed(seed) }
    }

    /// Returns the next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.pick();
        for _ in 0..=self.random.usize(..6) {
            self.change(&mut input);
        }
        input.truncate(MAX_LENGTH);
        input
    }

    fn pick(&mut self) -> Vec<u8> {
        self.corpus[self.random.usize(..self.corpus.len())].clone()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.random.usize(..=input.len());
        let end = (at + self.random.usize(..32)).min(input.len());
        match self.random.u8(..8) {
            0 if at < input.len() => input[at] = self.random.u8(..),
            1 if at < input.len() => input[at] ^= 1 << self.random.u8(..8),
            2 => input.insert(at, self.random.u8(..)),
            3 => drop(input.drain(at..end)),
            4 => {
                // Repetition finds what grows faster than its input.
                let times = 1 << self.random.u8(..10);
                let part = input[at..end].repeat(times);
                input.splice(at..at, part.into_iter().take(MAX_LENGTH));
            }
            5 => {
                let other = self.pick();
                let from = self.random.usize(..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            6 => {
                const TOKENS: [&[u8]; 16] = [
                    b",", b";", b"=", b"\"", b"\\", b"*", b"*/*", b"q=0.5", b"[", b"]", b"{", b"}",
                    b"\n", b"\0", b"%2e", b"&a ",
                ];
                let token = TOKENS[self.random.usize(..TOKENS.len())];
                input.splice(at..at, token.iter().copied());
            }
            _ => input.swap_remove_some(at),
        }
    }
}

/// Removes one byte and puts the last one there.
trait SwapRemoveSome {
    fn swap_remove_some(&mut self, at: usize);
}

impl SwapRemoveSome for Vec<u8> {
    fn swap_remove_some(&mut self, at: usize) {
        if at < self.len() {
            self.swap_remove(at);
        }
    }
}
