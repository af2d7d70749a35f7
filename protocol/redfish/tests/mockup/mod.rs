//! Serves the documents of a real BMC, out of a corpus's archive, as a BMC does that can only be read.

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use std::{
    collections::HashMap,
    env, fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The corpus's archives; `None`, said loudly, where there is no corpus.
pub fn folder() -> Option<PathBuf> {
    match env::var_os("PIOUS_CORPUS") {
        Some(corpus) => Some(Path::new(&corpus).join("redfish")),
        None => {
            // To stderr itself, which the test runner does not swallow when a test passes.
            let _ = writeln!(std::io::stderr(), "corpus: redfish: PIOUS_CORPUS not set: 0 cases");
            None
        }
    }
}

/// The documents of an archive, by their path without a slash at the end.
pub fn documents(archive: &Path) -> HashMap<String, Vec<u8>> {
    let packed = fs::read(archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let mut tar = tar::Archive::new(lzma_rust2::XzReader::new(packed.as_slice(), true));
    let mut documents = HashMap::new();
    for entry in tar.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().trim_start_matches("./").to_owned();
        let Some(path) = path.strip_suffix("index.json") else { continue };
        let path = path.trim_end_matches('/');
        // Some were made with the root's path, some below it.
        let path = match path.strip_prefix("redfish/v1") {
            Some(below) => below.trim_start_matches('/'),
            None => path,
        };
        let mut document = Vec::new();
        entry.read_to_end(&mut document).expect("a document");
        documents.insert(format!("/redfish/v1/{path}").trim_end_matches('/').to_owned(), document);
    }
    documents
}

/// Serves them until the test ends; answers the URL.
pub async fn serve(documents: HashMap<String, Vec<u8>>) -> reqwest::Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let app = Router::new().fallback(answer).with_state(Arc::new(documents));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url.parse().expect("a URL")
}

const TOKEN: &str = "mockup";

async fn answer(State(documents): State<Arc<HashMap<String, Vec<u8>>>>, request: Request) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let has_token = request.headers().get("x-auth-token").is_some_and(|token| token == TOKEN);
    match (request.method(), documents.get(path)) {
        (&Method::POST, Some(_)) if path.ends_with("/Sessions") => {
            (StatusCode::CREATED, [("x-auth-token", TOKEN), ("location", "/redfish/v1/SessionService/Sessions/1")])
                .into_response()
        }
        (&Method::DELETE, _) if path.contains("/Sessions/") => StatusCode::NO_CONTENT.into_response(),
        (&Method::GET, Some(_)) if path != "/redfish/v1" && !has_token => StatusCode::UNAUTHORIZED.into_response(),
        (&Method::GET, Some(document)) => document.clone().into_response(),
        (&Method::GET, None) => StatusCode::NOT_FOUND.into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
