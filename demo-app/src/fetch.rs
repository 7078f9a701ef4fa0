//! One GET over plain HTTP: all that a probe and a gate need of a client.

use std::error::Error;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// An answer longer than this is none that was asked for.
const LONGEST: usize = 4 << 20;

/// Why there is no answer.
pub(crate) type Trouble = Box<dyn Error + Send + Sync>;

/// Asks on a connection of its own.
pub(crate) async fn get(uri: &Uri) -> Result<(StatusCode, Bytes), Trouble> {
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, format!("{host}:{port}"))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answered = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST).collect().await?.to_bytes();
        Ok::<_, Trouble>((status, body))
    };
    // Dropped with this future, so that nothing is left behind when a caller gives up.
    tokio::pin!(answered, connection);
    tokio::select! {
        answer = &mut answered => answer,
        ended = &mut connection => {
            ended?;
            answered.await
        }
    }
}
