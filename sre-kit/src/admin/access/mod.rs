//! The rules that decide who may read or change what.
//!
//! | A request | may read public pages | may read the others | may change something |
//! |---|---|---|---|
//! | from this machine | yes | yes | yes, unless the page of another site sent it |
//! | with the token or a client certificate | yes | yes | yes, unless it was forwarded or the page of another site sent it |
//! | from elsewhere | yes | only if the listener is open | no |

mod origin;
mod token;

use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;

pub(super) use token::Token;

use self::origin::{is_forwarded, is_from_another_site, names_loopback};
use crate::server::ConnectionInfo;

/// The answer to a stranger where there is a token.
const NEEDS_TOKEN: Refusal = Refusal {
    status: StatusCode::UNAUTHORIZED,
    text: "from elsewhere than this machine, this page needs the token: \
           Authorization: Bearer TOKEN\n",
};

/// The answer to a stranger where there is no token.
const THIS_MACHINE_ONLY: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    text: "this page is answered on this machine only; \
           SRE_KIT_ADMIN_TOKEN_FILE sets a token for others\n",
};

/// The rules of one listener.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// The token that clients elsewhere can have.
    pub(super) token: Option<Token>,
    /// Whether every client may read all pages.
    pub(super) open: bool,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: &'static str,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// A process of this machine.
    Local,
    /// One with the token or a client certificate.
    Authenticated,
    Unknown,
}

impl Access {
    /// Returns whether clients elsewhere see the public pages only, whatever they send.
    pub(super) fn is_default(&self) -> bool {
        self.token.is_none() && !self.open
    }

    /// Returns why the request may not read a page, or `None` if it may.
    pub(super) async fn refuses_read(&self, head: &Parts, is_public: bool) -> Option<Refusal> {
        if is_public || self.open || self.client(head).await != Client::Unknown {
            return None;
        }
        Some(self.refusal())
    }

    /// Returns why the request may not change anything, or `None` if it may.
    ///
    /// A browser sends a client certificate, and requests to this machine, in the name of any site
    /// (cross-site request forgery). A proxy sends what anybody sent to it.
    pub(super) async fn refuses_write(&self, head: &Parts) -> Option<Refusal> {
        let forbidden = |text| Some(Refusal { status: StatusCode::FORBIDDEN, text });
        if is_forwarded(&head.headers) {
            return forbidden("a request that was forwarded may not change anything\n");
        }
        if is_from_another_site(head) {
            return forbidden("a page of another site may not change anything\n");
        }
        (self.client(head).await == Client::Unknown).then(|| self.refusal())
    }

    fn refusal(&self) -> Refusal {
        if self.token.is_some() { NEEDS_TOKEN } else { THIS_MACHINE_ONLY }
    }

    async fn client(&self, head: &Parts) -> Client {
        let Some(info) = head.extensions.get::<ConnectionInfo>() else {
            // A router that is not ours does not say who asks, but the token does.
            return self.client_with_token(head).await;
        };
        if is_local(head, info) {
            return Client::Local;
        }
        #[cfg(feature = "tls")]
        if info.tls().is_some_and(|tls| tls.client_certificate().is_some()) {
            return Client::Authenticated;
        }
        self.client_with_token(head).await
    }

    async fn client_with_token(&self, head: &Parts) -> Client {
        let mut sent = head.headers.get_all(AUTHORIZATION).iter();
        match (&self.token, sent.next(), sent.next()) {
            (Some(token), Some(sent), None) if token.matches(sent).await => Client::Authenticated,
            _ => Client::Unknown,
        }
    }
}

/// Returns whether a process of this machine sent the request for itself.
///
/// The address alone does not prove it: a proxy beside the process forwards from a loopback address
/// (Istio's from 127.0.0.6), and a name of any site can point to one (DNS rebinding).
fn is_local(head: &Parts, info: &ConnectionInfo) -> bool {
    if is_forwarded(&head.headers) {
        return false;
    }
    match info.peer_addr() {
        Some(peer) => origin::is_this_machine(peer.ip()) && names_loopback(head),
        // Who may connect to a Unix socket is decided by its file, and no browser can.
        None => true,
    }
}

/// Returns why a listener on a loopback address does not answer the request: it is for another
/// host. A site whose name was made to point to this machine asks so (DNS rebinding).
pub(super) fn misdirected(head: &Parts) -> Option<Refusal> {
    (!names_loopback(head)).then_some(Refusal {
        status: StatusCode::MISDIRECTED_REQUEST,
        text: "this listener answers requests for localhost, 127.0.0.1 and ::1\n",
    })
}

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode};

    use super::Access;

    #[tokio::test]
    async fn a_request_of_an_unknown_peer_reads_public_pages_only() {
        let head = Request::get("/slo").header("host", "127.0.0.1").body(()).expect("valid");
        let (head, ()) = head.into_parts();
        let access = Access::default();
        assert_eq!(access.refuses_read(&head, true).await, None);
        let refused = access.refuses_read(&head, false).await.expect("it is refused");
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(access.refuses_write(&head).await.is_some());
        let open = Access { open: true, token: None };
        assert_eq!(open.refuses_read(&head, false).await, None);
        assert!(open.refuses_write(&head).await.is_some(), "an open listener is read only");
    }
}
