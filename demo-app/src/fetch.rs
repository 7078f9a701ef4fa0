//! A minimal HTTP client for `probe` and `gate`: one GET over plain HTTP.

use std::error::Error;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The largest accepted response body, in bytes.
const MAX_BODY: usize = 4 << 20;

/// The reason why a request failed.
pub(crate) type FetchError = Box<dyn Error + Send + Sync>;

/// Sends a GET request on a new connection and returns status and body.
pub(crate) async fn get(uri: &Uri) -> Result<(StatusCode, Bytes), FetchError> {
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
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await?.to_bytes();
        Ok::<_, FetchError>((status, body))
    };
    // The connection is not spawned: if the caller drops this future, the connection closes.
    tokio::pin!(answered, connection);
    tokio::select! {
        answer = &mut answered => answer,
        ended = &mut connection => {
            ended?;
            answered.await
        }
    }
}
