//! Connections to targets: TCP, and TLS over it.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{broken, rejected, unreachable};
use crate::engine::notify::desk::Failed;

/// How long one address may take to answer, and a name to be resolved.
const CONNECT: Duration = Duration::from_secs(5);
/// The most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 4;

/// A connection, whatever it is made of.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens a TCP connection.
pub async fn connect(host: &str, port: u16) -> Result<TcpStream, Failed> {
    let at = format!("connecting to {host} port {port}");
    let addresses = timeout(CONNECT, lookup_host((host, port)))
        .await
        .map_err(|_| unreachable(format!("{at}: the name is not resolved within {}s", CONNECT.as_secs())))?
        .map_err(broken(&at))?;
    let mut last = unreachable(format!("{at}: the name has no address"));
    for address in addresses.take(MOST_ADDRESSES) {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // small messages, and each waits for an answer
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = unreachable(format!("{at}: {error}")),
            Err(_) => last = unreachable(format!("{at}: no answer within {}s", CONNECT.as_secs())),
        }
    }
    Err(last)
}

/// Puts TLS over a connection, the server's certificate checked against its name and the authorities of this host, or
/// those in the file `ca`.
pub async fn secure<S: Stream + 'static>(
    stream: S,
    host: &str,
    ca: Option<&Path>,
) -> Result<Box<dyn Stream>, Failed> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| rejected(format!("{host:?} is no name that a certificate can have")))?;
    let config = match ca {
        Some(file) => Arc::new(config(roots_in(file)?)?),
        None => usual()?,
    };
    let secured = TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        let hint = match ca {
            None => "; where an authority of your own signs it, say ca = \"FILE\"",
            Some(_) => "",
        };
        unreachable(format!("TLS with {host}: {error}{hint}"))
    })?;
    Ok(Box::new(secured))
}

/// With the authorities of this host, read once.
fn usual() -> Result<Arc<ClientConfig>, Failed> {
    static USUAL: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = USUAL.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(rejected(
            "this host knows no certificate authority: install ca-certificates, or say ca = \"FILE\"",
        ));
    }
    let config = Arc::new(config(roots)?);
    Ok(USUAL.get_or_init(|| config).clone())
}

fn roots_in(file: &Path) -> Result<RootCertStore, Failed> {
    let fail = |why: String| rejected(format!("reading the certificates in {}: {why}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| fail(error.to_string()))? {
        let certificate = certificate.map_err(|error| fail(error.to_string()))?;
        roots.add(certificate).map_err(|error| fail(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(fail("there is none".to_owned()));
    }
    Ok(roots)
}

/// The provider is named: which one is the process's own is nobody's to say here.
fn config(roots: RootCertStore) -> Result<ClientConfig, Failed> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken("setting up TLS"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
