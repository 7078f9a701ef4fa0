//! What a unit of work costs in allocations: nothing.

use std::future::ready;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use sre_kit::metrics::Registry;
use sre_kit::work::{Work, WorkUnit};

#[test]
fn a_unit_of_work_allocates_nothing() {
    let work = Work::new(&Registry::new(), [WorkUnit::new("import").expect("valid")]);
    let work = work.expect("valid");
    let import = work.unit("import").expect("declared");
    let run = || {
        let mut cx = Context::from_waker(Waker::noop());
        let waited = import.waited(Duration::from_millis(3));
        assert!(pin!(waited.run(ready(Ok::<_, u32>(())))).as_mut().poll(&mut cx).is_ready());
        assert!(pin!(import.run(ready(Err::<(), _>(1)))).as_mut().poll(&mut cx).is_ready());
        drop(import.run(std::future::pending::<()>()));
    };
    run();
    let measured = allocation_counter::measure(|| (0..100).for_each(|_| run()));
    assert_eq!(measured.count_total, 0);
}
