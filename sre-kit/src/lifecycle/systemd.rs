//! Tells systemd about the state of the process, for a unit with `Type=notify`.

use std::pin::pin;

use futures_util::future::{Either, select};
use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::state::State;

/// Notifies systemd of each state, and of life if it asks for that. Returns when the process has
/// stopped. Does nothing in a process that systemd did not start.
pub(super) async fn notify(mut states: watch::Receiver<State>) {
    // Twice per period, as sd_watchdog_enabled(3) recommends.
    let mut signs = sd_notify::watchdog_enabled().map(|period| interval(period / 2));
    if let Some(signs) = &mut signs {
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let mut last = State::Starting;
    loop {
        let state = *states.borrow_and_update();
        if state != last {
            last = state;
            match state {
                State::Running => send(NotifyState::Ready),
                State::Draining => send(NotifyState::Stopping),
                State::Stopped => return,
                State::Starting | State::Stopping => {}
            }
        }
        let changed = pin!(states.changed());
        let ended = match &mut signs {
            None => changed.await.is_err(),
            Some(signs) => match select(changed, pin!(signs.tick())).await {
                Either::Left((changed, _)) => changed.is_err(),
                Either::Right(_) => {
                    send(NotifyState::Watchdog);
                    false
                }
            },
        };
        if ended {
            return;
        }
    }
}

fn send(state: NotifyState<'_>) {
    // Without NOTIFY_SOCKET there is nothing to do, which is no error.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}
