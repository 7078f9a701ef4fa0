//! Waits that say what they wait for.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

/// The interval at which a wait is reported. Most waits are over before the first report.
const INTERVAL: Duration = Duration::from_secs(5);

/// Waits for `work`, and calls `report` every five seconds until then.
///
/// Cancel safety: dropping the future drops `work`.
pub(super) async fn reported<T>(work: impl Future<Output = T>, mut report: impl FnMut()) -> T {
    let mut work = pin!(work);
    loop {
        if let Ok(output) = timeout(INTERVAL, work.as_mut()).await {
            return output;
        }
        report();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::reported;

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_reported_every_five_seconds_until_it_is_over() {
        let began = Instant::now();
        let reports = RefCell::new(Vec::new());
        let report = || reports.borrow_mut().push(began.elapsed().as_secs());
        let work = async {
            sleep(Duration::from_secs(12)).await;
            7
        };
        assert_eq!(reported(work, report).await, 7);
        assert_eq!(*reports.borrow(), [5, 10]);
        assert_eq!(began.elapsed().as_secs(), 12, "reports delay nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_wait_is_not_reported() {
        reported(sleep(Duration::from_secs(4)), || panic!("reported")).await;
    }
}
