//! The dialer of a Cloud SQL instance.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::auth::AuthResponse;
use super::dial::{Dial, DialedServer};
use crate::connector::Connector;
use crate::transport::{DialError, Phase};

/// Dials an instance by its name, with a [`Connector`].
pub(crate) struct ConnectorDialer {
    connector: Connector,
}

impl ConnectorDialer {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector }
    }
}

impl Dial for ConnectorDialer {
    fn dial(&self) -> BoxFuture<'_, Result<DialedServer, DialError>> {
        async {
            let (stream, generation) = self.connector.dial().await?;
            let response = AuthResponse::Certificate { generation };
            Ok(DialedServer { io: Box::new(stream), response })
        }
        .boxed()
    }

    fn credential_rejected(&self, generation: u64, failed_phase: Phase) -> BoxFuture<'_, bool> {
        self.connector.credential_rejected(generation, failed_phase).boxed()
    }

    fn is_healthy(&self) -> bool {
        self.connector.is_healthy()
    }

    fn complaint(&self) -> Option<Arc<str>> {
        self.connector.complaint()
    }

    fn token_age(&self) -> Option<f64> {
        self.connector.token_age()
    }

    fn certificate_expiry(&self) -> Option<f64> {
        self.connector.certificate_expiry()
    }
}
