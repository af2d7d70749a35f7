//! One request with a long body, over a connection of its own, whose answer counts even where not all of the request could
//! be written.
//!
//! A BMC that takes no image now says so as soon as it has read the head, and hangs up. Writing fails from then on, while
//! its answer waits to be read: an HTTP client that looks at its writing first tells of a broken pipe, and nobody hears
//! what the BMC said, or when it wants to be asked again.

use crate::error::{Cause, Error};
use crate::http::{Answer, CONNECT};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::{
    Body, Request, Response, ResponseBuilderExt, Url,
    header::{HOST, HeaderValue},
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Sends a request over a new connection; answers what came back, whatever its status.
pub(crate) async fn exchange(at: &str, request: Request, tls: &Arc<ClientConfig>) -> Result<Answer, Error> {
    let url = request.url().clone();
    let connected = tokio::time::timeout(CONNECT, connect(&url, tls)).await.unwrap_or_else(|late| Err(late.into()));
    let stream = connected.map_err(|source| Error::Connect { at: at.to_owned(), source: Box::new(source) })?;
    exchange_over(at, request, stream).await
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn connect(url: &Url, tls: &Arc<ClientConfig>) -> Result<Box<dyn Stream>, io::Error> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let tcp = TcpStream::connect((host, url.port_or_known_default().unwrap_or_default())).await?;
    tcp.set_nodelay(true)?;
    let stream = ReadFirst::new(tcp);
    if url.scheme() == "http" {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
}

async fn exchange_over(at: &str, request: Request, stream: Box<dyn Stream>) -> Result<Answer, Error> {
    let broken = |source: Cause| Error::Broken { at: at.to_owned(), source };
    let url = request.url().clone();
    let request = in_origin_form(request).map_err(Error::Client)?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(Box::new(error)))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| broken(Box::new(error)))?;
        let (head, body) = response.into_parts();
        let mut response = hyper::Response::builder().status(head.status).url(url);
        if let Some(headers) = response.headers_mut() {
            *headers = head.headers;
        }
        let response = response.body(Body::wrap(body)).map_err(|error| broken(Box::new(error)))?;
        Answer::read(Response::from(response), at.to_owned()).await
    };
    let (mut answer, mut connection, mut is_over) = (pin!(answer), pin!(connection), false);
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            // However it ended: what it read before is with the answer.
            _ended = &mut connection, if !is_over => is_over = true,
        }
    }
}

/// As it is written to whom it is for: the path alone, and the host beside it (RFC 9112 §3.2.1).
fn in_origin_form(request: Request) -> Result<hyper::Request<Body>, reqwest::Error> {
    let url = request.url();
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let mut request = hyper::Request::try_from(request)?;
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = path.into();
    }
    if let Ok(host) = HeaderValue::from_str(&host) {
        request.headers_mut().insert(HOST, host);
    }
    Ok(request)
}

/// A stream whose writing may fail without that being an error, until its reading has come to an end.
struct ReadFirst<S> {
    stream: S,
    is_read: bool,
    /// Who wants to write, and is told once all is read.
    writer: Option<Waker>,
}

impl<S> ReadFirst<S> {
    fn new(stream: S) -> Self {
        Self { stream, is_read: false, writer: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadFirst<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, into));
        if read.is_err() || (into.filled().len() == before && into.remaining() > 0) {
            self.is_read = true;
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadFirst<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.stream).poll_write(context, bytes)) {
            Err(error) if !self.is_read => {
                tracing::debug!(%error, "nothing more can be written; there may be something to read");
                self.writer = Some(context.waker().clone());
                Poll::Pending
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::{Client, Method};

    /// The other end has answered and hung up before anything was written: what comes to light first is that nothing can
    /// be.
    #[derive(Default)]
    struct HungUp {
        answer: &'static [u8],
        was_written_to: bool,
        reader: Option<Waker>,
    }

    impl AsyncRead for HungUp {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if !self.was_written_to {
                self.reader = Some(context.waker().clone());
                return Poll::Pending;
            }
            into.put_slice(std::mem::take(&mut self.answer));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for HungUp {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            self.was_written_to = true;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn asked(answer: &'static [u8]) -> Result<Answer, Error> {
        let client = Client::builder().tls_backend_preconfigured(crate::tls::pinned(None).unwrap().0).build().unwrap();
        let request = client.request(Method::POST, "http://bmc/redfish/v1/u").body(vec![0; 1 << 20]).build().unwrap();
        let stream = ReadFirst::new(HungUp { answer, ..HungUp::default() });
        exchange_over("http://bmc/redfish/v1/u", request, Box::new(stream)).await
    }

    #[tokio::test]
    async fn what_was_said_before_hanging_up_is_heard() {
        let answer = asked(b"HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}").await.ok().unwrap();
        let seven = std::time::Duration::from_secs(7);
        assert_eq!((answer.status.as_u16(), answer.retry_after(), answer.body), (503, Some(seven), b"{}".to_vec()));
    }

    #[tokio::test]
    async fn who_hangs_up_without_a_word_breaks_off() {
        let told = asked(b"").await.err().unwrap();
        assert!(matches!(told, Error::Broken { .. }), "{told:?}");
    }
}
