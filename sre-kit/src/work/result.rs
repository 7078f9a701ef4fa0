//! What a unit of work returns.

use std::any::Any;
use std::error::Error;
use std::io;

use super::outcome::WorkOutcome;

/// The output of a unit of work, which says how the unit ended.
///
/// It is implemented for `Result`, for `()`, which is a success, and for [`WorkOutcome`].
pub trait WorkResult {
    /// Returns the outcome.
    fn outcome(&self) -> WorkOutcome;
}

impl WorkResult for () {
    #[inline]
    fn outcome(&self) -> WorkOutcome {
        WorkOutcome::Ok
    }
}

impl WorkResult for WorkOutcome {
    #[inline]
    fn outcome(&self) -> WorkOutcome {
        *self
    }
}

impl<T, E: 'static> WorkResult for Result<T, E> {
    #[inline]
    fn outcome(&self) -> WorkOutcome {
        match self {
            Ok(_) => WorkOutcome::Ok,
            Err(error) => of_error(error),
        }
    }
}

/// The most errors of a chain that are read. A chain could be endless.
const MAX_DEPTH: usize = 32;

/// Returns the outcome of a unit that returned this error.
#[cold]
fn of_error(error: &dyn Any) -> WorkOutcome {
    if error.is::<tokio::time::error::Elapsed>() || error.is::<tower::timeout::error::Elapsed>() {
        return WorkOutcome::Timeout;
    }
    if error.is::<tower::load_shed::error::Overloaded>() {
        return WorkOutcome::Shed;
    }
    let boxed = error.downcast_ref::<Box<dyn Error + Send + Sync>>().map(|error| {
        let error: &(dyn Error + 'static) = &**error;
        error
    });
    let plain = error.downcast_ref::<Box<dyn Error>>().map(|error| &**error);
    let io = error.downcast_ref::<io::Error>().map(|error| error as &(dyn Error + 'static));
    let mut next = boxed.or(plain).or(io);
    for _ in 0..MAX_DEPTH {
        let Some(error) = next else { break };
        let timed_out = |io: &io::Error| io.kind() == io::ErrorKind::TimedOut;
        if error.is::<tokio::time::error::Elapsed>()
            || error.is::<tower::timeout::error::Elapsed>()
            || error.downcast_ref::<io::Error>().is_some_and(timed_out)
        {
            return WorkOutcome::Timeout;
        }
        if error.is::<tower::load_shed::error::Overloaded>() {
            return WorkOutcome::Shed;
        }
        next = error.source();
    }
    WorkOutcome::Error
}
