//! The builder of a server.

use std::sync::Arc;
use std::time::Duration;

use super::Server;
use super::drain_signal::DrainSignal;
use super::metrics::ConnectionMetrics;
use super::settings::Settings;
use super::shared::Shared;
use crate::ConfigError;

impl Server {
    /// Returns a builder with the defaults of the [table](super#limits).
    pub fn builder() -> ServerBuilder {
        ServerBuilder { settings: Settings::default(), metrics: None, signal: None }
    }
}

/// A builder of a [`Server`].
#[derive(Clone, Debug)]
#[must_use = "nothing is served before `build` and `start`"]
pub struct ServerBuilder {
    settings: Settings,
    metrics: Option<ConnectionMetrics>,
    signal: Option<DrainSignal>,
}

impl ServerBuilder {
    /// Sets the name, which is the value of the label `listener` and appears in logs. Defaults to
    /// `main`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Sets how many connections may be open at the same time, including upgraded ones. At
    /// least 1. Defaults to 10 000, or to fewer if the process may not open so many files, see
    /// [limits](super#limits).
    ///
    /// At the limit, the connections that have waited for their clients longest are closed for new
    /// ones: first those without a request, then those whose client neither reads nor sends. If each
    /// connection works on a request, new clients wait.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.settings.max_connections = Some(limit);
        self
    }

    /// Sets how many connections may be open unless [`max_connections`](Self::max_connections) is
    /// set and the limit of open files allows it.
    #[cfg(feature = "admin")]
    pub(crate) fn default_connections(mut self, limit: usize) -> Self {
        self.settings.default_connections = limit;
        self
    }

    /// Sets how many files the default of [`max_connections`](Self::max_connections) leaves to the
    /// rest of the process: to an admin listener, database pools, connections to other services, logs.
    /// Defaults to 320, of which 256 are those of an admin listener.
    ///
    /// If the limit of open files is so low that less than a quarter of it would be left to
    /// connections, they get that quarter.
    pub fn reserved_files(mut self, files: usize) -> Self {
        self.settings.reserved_files = files;
        self
    }

    /// Sets the time in which a request head must arrive. Defaults to 10 s.
    ///
    /// The time starts with the first byte of the head, or, for the first request, when the
    /// connection is accepted. A connection whose head is late is closed without a response.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.settings.header_read_timeout = timeout;
        self
    }

    /// Sets how long a client may send nothing of a request body that the service waits for. Defaults
    /// to 30 s; nginx's `client_body_timeout` is 60 s.
    ///
    /// The time starts anew with every byte. When it is over, the service's read of the
    /// [`RequestBody`](super::RequestBody) fails. It does not apply to gRPC calls, nor to a body that
    /// is still read after the response head was sent: there, silence is usual.
    pub fn body_read_timeout(mut self, timeout: Duration) -> Self {
        self.settings.body_read_timeout = timeout;
        self
    }

    /// Sets how long a client may take nothing of a response. Defaults to 30 s; nginx's `send_timeout`
    /// is 60 s.
    ///
    /// On HTTP/1 the client has to take a byte within the time, else its connection is closed. On
    /// HTTP/2 it has to take the next frame of the body, else the stream is reset. A response whose
    /// service has nothing to send, such as a quiet event stream, is left alone.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = timeout;
        self
    }

    /// Sets how long a connection is kept between two requests. Defaults to 620 s.
    ///
    /// Keep it longer than the load balancer keeps its connections: Google's keep theirs for
    /// 600 s ([documented][1] for backends of every kind), and answer 502 if the server closes
    /// first.
    ///
    /// [1]: https://cloud.google.com/load-balancing/docs/https/request-distribution#http-keepalive-timeout
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.idle_timeout = timeout;
        self
    }

    /// Sets the largest size of a request head in bytes, from 8 KiB to 16 MiB. A larger one is
    /// answered 431. Defaults to 64 KiB.
    pub fn max_header_size(mut self, bytes: usize) -> Self {
        self.settings.max_header_size = bytes;
        self
    }

    /// Sets how many requests one HTTP/2 connection may have in flight. At least 1. Defaults to
    /// 200.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.settings.max_concurrent_streams = streams;
        self
    }

    /// Sets how often the server pings an HTTP/2 client. Defaults to 30 s; `None` disables pings.
    pub fn keep_alive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.settings.keep_alive_interval = interval.into();
        self
    }

    /// Sets how long an HTTP/2 client has to answer a ping before its connection is closed.
    /// Defaults to 20 s.
    pub fn keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.settings.keep_alive_timeout = timeout;
        self
    }

    /// Sets `TCP_NODELAY` on accepted connections. Defaults to `true`.
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.settings.nodelay = nodelay;
        self
    }

    /// Puts a [`ConnectionInfo`](super::ConnectionInfo) into the extensions of each request, for
    /// handlers that do not see the [`RequestBody`](super::RequestBody), such as those of axum.
    /// Defaults to `false`: an extension takes three allocations per request.
    pub fn connection_info(mut self, extension: bool) -> Self {
        self.settings.connection_info = extension;
        self
    }

    /// Serves TLS on the TCP listeners. By default the server speaks plain HTTP.
    ///
    /// The series of `http_server_request_duration_seconds` for HTTP/1 then have
    /// `url_scheme="https"` if the layer's
    /// [`default_scheme`](crate::golden_signals::GoldenSignalsBuilder::default_scheme) is
    /// `Scheme::Https`; `SreKitBuilder::tls` sets both.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: &super::ServerTls) -> Self {
        self.settings.tls = Some(tls.clone());
        self
    }

    /// Adds this server to `metrics`, with its name as the label `listener`. By default the
    /// server has no metrics.
    pub fn metrics(mut self, metrics: &ConnectionMetrics) -> Self {
        self.metrics = Some(metrics.clone());
        self
    }

    /// Sets the signal that the server gives when it drains. Defaults to a new one, which
    /// a [`ConnectionInfo`](super::ConnectionInfo) has as well.
    pub fn drain_signal(mut self, signal: &DrainSignal) -> Self {
        self.signal = Some(signal.clone());
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - the name is empty;
    /// - a limit is zero or out of its range, or a timeout is zero or longer than a year;
    /// - another server has the same name in the same metrics.
    pub fn build(self) -> Result<Server, ConfigError> {
        let Self { settings, metrics, signal } = self;
        settings.check()?;
        let shared = Arc::new(Shared::new(settings, signal.unwrap_or_default()));
        if let Some(metrics) = metrics {
            metrics.add(&shared)?;
        }
        Ok(Server { shared })
    }
}
