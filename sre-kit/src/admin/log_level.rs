//! The page of the log level: every client can read it, only this machine can change it.

use http::{Response, StatusCode};
use http_body_util::BodyExt;

use super::body::AdminBody;
use super::page::{AdminRequest, Page};
use super::response::text;
use crate::telemetry::LogLevel;

const PATH: &str = "/loglevel";

/// Returns the pages that read and change the log level.
pub(super) fn pages(level: &LogLevel) -> [Page; 2] {
    let (read, change) = (level.clone(), level.clone());
    [
        Page::get(PATH, "What is logged.", move |_| {
            std::future::ready(line(StatusCode::OK, &read.get()))
        }),
        Page::post(PATH, "Changes it: `info,my_crate=debug`.", move |request| {
            let change = change.clone();
            async move { set(&change, request).await }
        }),
    ]
}

/// Sets the log level to the body of `request`.
async fn set(level: &LogLevel, request: AdminRequest) -> Response<AdminBody> {
    let Ok(body) = request.into_body().collect().await;
    let body = body.to_bytes();
    let Some(wanted) =
        std::str::from_utf8(&body).ok().map(str::trim).filter(|text| !text.is_empty())
    else {
        return line(StatusCode::BAD_REQUEST, "send the directives as text");
    };
    let before = level.get();
    // It is parsed and built on a thread that may block, not on one that serves requests.
    let (setter, directives) = (level.clone(), wanted.to_owned());
    let set = tokio::task::spawn_blocking(move || setter.set(&directives)).await;
    let set = match set {
        Ok(set) => set,
        Err(error) => return super::response::internal_error(&error.into()),
    };
    match set {
        Ok(()) => {
            tracing::warn!(before, now = wanted, "the log level was changed");
            line(StatusCode::OK, &level.get())
        }
        Err(error) => line(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn line(status: StatusCode, line: &str) -> Response<AdminBody> {
    text(status, format!("{line}\n"))
}
