//! Ranges, tags and methods, on a file of a hundred bytes.

use super::*;
use axum::body::to_bytes;

#[test]
fn ranges() {
    use Asked::{Beyond, Part, Whole};
    let part = |first, last| Part { first, last };
    for (range, expected) in [
        (None, Whole),
        (Some("bytes=0-0"), part(0, 0)),
        (Some("bytes=10-19"), part(10, 19)),
        (Some("bytes=10-"), part(10, 99)),
        (Some("bytes=-10"), part(90, 99)),
        (Some("bytes=-1000"), part(0, 99)),
        (Some("bytes=90-1000"), part(90, 99)),
        (Some("bytes=99-99999999999999999999999"), part(99, 99)),
        (Some("bytes=100-"), Beyond),
        (Some("bytes=100-200"), Beyond),
        (Some("bytes=-0"), Beyond),
        (Some("bytes=19-10"), Whole),
        (Some("bytes=0-1,5-6"), Whole),
        (Some("bytes=-"), Whole),
        (Some("bytes=a-b"), Whole),
        (Some("bytes=0-b"), Whole),
        (Some("bytes=+1-5"), Whole),
        (Some("bytes=200-x"), Whole),
        (Some("lines=0-5"), Whole),
        (Some(""), Whole),
    ] {
        assert_eq!(asked(range, 100), expected, "{range:?}");
    }
    assert_eq!(asked(Some("bytes=0-"), 0), Beyond, "of an empty file");
    assert_eq!(asked(Some("bytes=-5"), 0), Beyond, "the end of an empty file");
}

struct Served {
    status: u16,
    tag: String,
    length: Option<String>,
    range: Option<String>,
    body: Vec<u8>,
}

async fn serve_with(path: &Path, method: Method, headers: &[(header::HeaderName, &str)]) -> Served {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
    let response = serve(path, None, None, &method, &headers).await;
    let header = |name: header::HeaderName| text(response.headers(), name).map(ToOwned::to_owned);
    Served {
        status: response.status().as_u16(),
        tag: header(header::ETAG).unwrap_or_default(),
        length: header(header::CONTENT_LENGTH),
        range: header(header::CONTENT_RANGE),
        body: to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec(),
    }
}

fn hundred_bytes() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vmlinuz");
    let bytes: Vec<u8> = (0..100).collect();
    std::fs::write(&path, &bytes).unwrap();
    (folder, path, bytes)
}

#[tokio::test]
async fn whole_part_and_head() {
    let (_folder, path, bytes) = hundred_bytes();
    let whole = serve_with(&path, Method::GET, &[]).await;
    assert_eq!((whole.status, whole.length.as_deref(), &whole.body), (200, Some("100"), &bytes));

    let part = serve_with(&path, Method::GET, &[(header::RANGE, "bytes=10-19")]).await;
    assert_eq!((part.status, part.range.as_deref()), (206, Some("bytes 10-19/100")));
    assert_eq!((part.length.as_deref(), part.body), (Some("10"), bytes[10..20].to_vec()));

    let beyond = serve_with(&path, Method::GET, &[(header::RANGE, "bytes=100-")]).await;
    assert_eq!((beyond.status, beyond.range.as_deref(), beyond.body), (416, Some("bytes */100"), vec![]));

    // A range is for GET alone (RFC 9110 §14.2).
    let head = serve_with(&path, Method::HEAD, &[(header::RANGE, "bytes=10-19")]).await;
    assert_eq!((head.status, head.length.as_deref(), head.body), (200, Some("100"), vec![]));
}

#[tokio::test]
async fn tags() {
    let (_folder, path, bytes) = hundred_bytes();
    let tag = serve_with(&path, Method::GET, &[]).await.tag;
    for (list, status) in
        [(tag.clone(), 304), (format!("\"other\", W/{tag}"), 304), ("*".into(), 304), ("\"other\"".into(), 200)]
    {
        let answer = serve_with(&path, Method::GET, &[(header::IF_NONE_MATCH, &list)]).await;
        assert_eq!(answer.status, status, "{list}");
    }
    let range = (header::RANGE, "bytes=0-0");
    let same = serve_with(&path, Method::GET, &[range.clone(), (header::IF_RANGE, &tag)]).await;
    assert_eq!(same.status, 206);

    std::fs::rename(&path, path.with_extension("old")).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let other = serve_with(&path, Method::GET, &[range, (header::IF_RANGE, &tag)]).await;
    assert_eq!((other.status, other.body), (200, bytes), "a new file of the same bytes is another edition");
    assert_ne!(other.tag, tag);
}

#[tokio::test]
async fn another_edition_is_not_sent_in_its_place() {
    let (_folder, path, bytes) = hundred_bytes();
    let asked = edition(&path).await.unwrap();
    let ask = async |edition: &str| {
        let response = serve(&path, Some(edition), None, &Method::GET, &HeaderMap::new()).await;
        (response.status().as_u16(), to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    };
    assert_eq!(ask(&asked).await, (200, bytes.clone()));
    std::fs::write(path.with_extension("new"), &bytes).unwrap();
    std::fs::rename(path.with_extension("new"), &path).unwrap();
    let gone = b"the image was built anew since; fetch the boot script again\n".to_vec();
    assert_eq!(ask(&asked).await, (410, gone));
    assert_eq!(ask(&edition(&path).await.unwrap()).await, (200, bytes));
}

#[tokio::test]
async fn a_file_that_is_gone() {
    let answer = serve_with(Path::new("/nowhere/vmlinuz"), Method::GET, &[]).await;
    assert_eq!(answer.status, 404);
    assert!(String::from_utf8(answer.body).unwrap().starts_with("/nowhere/vmlinuz can't be read on the server"));
}
