//! The S3 calls that uploaders make, answered from memory.

use crate::http::{Body, Head};
use crate::store::{http_date, iso, now, Headers, Object, Store, Upload};

pub struct Answer {
    pub status: &'static str,
    pub headers: Headers,
    pub body: String,
}

/// The name of S3's operation, for the counts; None: not one of ours.
pub fn operation(head: &Head) -> Option<&'static str> {
    let (bucket, key) = address(head);
    let copies = head.header("x-amz-copy-source").is_some();
    Some(match (head.method.as_str(), bucket.is_empty(), key.is_empty()) {
        ("GET", true, _) => "ListBuckets",
        ("HEAD", false, true) => "HeadBucket",
        ("PUT", false, true) if head.query.is_empty() => "CreateBucket",
        ("POST", false, true) if head.has("delete") => "DeleteObjects",
        ("GET", false, true) if head.has("uploads") => "ListMultipartUploads",
        ("GET", false, true) if head.has("location") => "GetBucketLocation",
        ("GET", false, true) if head.has("versioning") => "GetBucketVersioning",
        ("GET", false, true) if head.has("accelerate") => "GetBucketAccelerateConfiguration",
        ("GET", false, true) if head.param("list-type") == Some("2") => "ListObjectsV2",
        ("GET", false, true) if !head.query.iter().any(|(n, v)| v.is_empty() && !LISTING.contains(&n.as_str())) => "ListObjects",
        ("POST", false, false) if head.has("uploads") => "CreateMultipartUpload",
        ("POST", false, false) if head.has("uploadId") => "CompleteMultipartUpload",
        ("PUT", false, false) if head.has("uploadId") && !copies => "UploadPart",
        ("PUT", false, false) if copies && !head.has("uploadId") => "CopyObject",
        ("PUT", false, false) if head.query.iter().all(|(n, _)| n == "x-id") => "PutObject",
        ("GET", false, false) if head.has("uploadId") => "ListParts",
        ("DELETE", false, false) if head.has("uploadId") => "AbortMultipartUpload",
        ("DELETE", false, false) => "DeleteObject",
        ("HEAD", false, false) => "HeadObject",
        _ => return None,
    })
}

const LISTING: [&str; 7] = ["prefix", "marker", "delimiter", "max-keys", "encoding-type", "start-after", "fetch-owner"];

fn address(head: &Head) -> (&str, &str) {
    head.path.trim_start_matches('/').split_once('/').unwrap_or((head.path.trim_start_matches('/'), ""))
}

pub fn answer(store: &mut Store, head: &Head, operation: Option<&str>, body: &Body) -> Answer {
    let (bucket, key) = address(head);
    match operation {
        Some("ListBuckets") => {
            let names: String = store.buckets.keys().map(|b| format!("<Bucket><Name>{}</Name><CreationDate>{}</CreationDate></Bucket>", xml(b), iso(now()))).collect();
            document("ListAllMyBucketsResult", &format!("<Owner><ID>sink</ID></Owner><Buckets>{names}</Buckets>"))
        }
        Some("HeadBucket") => empty("200 OK", vec![pair("x-amz-bucket-region", "us-east-1")]),
        Some("CreateBucket") => {
            store.buckets.entry(bucket.to_string()).or_default();
            empty("200 OK", vec![pair("location", &format!("/{bucket}"))])
        }
        Some("GetBucketLocation") => document("LocationConstraint", ""),
        Some("GetBucketVersioning") => document("VersioningConfiguration", ""),
        Some("GetBucketAccelerateConfiguration") => document("AccelerateConfiguration", ""),
        Some("ListObjectsV2" | "ListObjects") => list(store, head, bucket, operation == Some("ListObjectsV2")),
        Some("ListMultipartUploads") => list_uploads(store, head, bucket),
        Some("PutObject") => put(store, head, bucket, key, body),
        Some("CopyObject") => copy(store, head, bucket, key),
        Some("HeadObject") => match store.object(bucket, key) {
            Some(object) => {
                let mut headers = object.headers.clone();
                headers.push(pair("etag", &format!("\"{}\"", object.etag)));
                headers.push(pair("last-modified", &http_date(object.modified)));
                headers.push(pair("accept-ranges", "bytes"));
                headers.push(pair("content-length", &object.size.to_string()));
                empty("200 OK", headers)
            }
            None => empty("404 Not Found", vec![]),
        },
        Some("CreateMultipartUpload") => {
            let id = format!("sink-{}", store.next_etag());
            store.uploads.insert(id.clone(), Upload { bucket: bucket.into(), key: key.into(), headers: kept_headers(head), parts: Default::default() });
            let mut answer = document("InitiateMultipartUploadResult", &format!("<Bucket>{}</Bucket><Key>{}</Key><UploadId>{id}</UploadId>", xml(bucket), xml(key)));
            for name in ["x-amz-checksum-algorithm", "x-amz-checksum-type"] {
                answer.headers.extend(head.header(name).map(|v| pair(name, v)));
            }
            answer
        }
        Some("UploadPart") => upload_part(store, head, body),
        Some("CompleteMultipartUpload") => complete(store, head, bucket, key, body),
        Some("AbortMultipartUpload") => match store.uploads.remove(head.param("uploadId").unwrap_or("")) {
            Some(_) => empty("204 No Content", vec![]),
            None => error("404 Not Found", "NoSuchUpload"),
        },
        Some("ListParts") => list_parts(store, head),
        Some("DeleteObject") => {
            store.buckets.get_mut(bucket).and_then(|keys| keys.remove(key));
            empty("204 No Content", vec![])
        }
        Some("DeleteObjects") => {
            let text = String::from_utf8_lossy(&body.kept).into_owned();
            let keys: Vec<String> = elements(&text, "Key").map(unxml).collect();
            for key in &keys {
                store.buckets.get_mut(bucket).and_then(|all| all.remove(key));
            }
            document("DeleteResult", &keys.iter().map(|k| format!("<Deleted><Key>{}</Key></Deleted>", xml(k))).collect::<String>())
        }
        _ if head.method == "GET" && key.is_empty() => error("404 Not Found", "NoSuchConfiguration"),
        _ => error("501 Not Implemented", "NotImplemented"),
    }
}

fn put(store: &mut Store, head: &Head, bucket: &str, key: &str, body: &Body) -> Answer {
    let existing = store.object(bucket, key);
    if head.header("if-none-match") == Some("*") && existing.is_some() {
        return error("412 Precondition Failed", "PreconditionFailed");
    }
    if let Some(wanted) = head.header("if-match") {
        if existing.map(|o| o.etag.as_str()) != Some(wanted.trim_matches('"')) {
            return error("412 Precondition Failed", "PreconditionFailed");
        }
    }
    let object = received(store, head, body);
    let answer = empty("200 OK", answer_headers(&object));
    store.put(bucket, key, object);
    answer
}

fn copy(store: &mut Store, head: &Head, bucket: &str, key: &str) -> Answer {
    let source = crate::http::decode(head.header("x-amz-copy-source").unwrap_or(""), false);
    let (from_bucket, from_key) = source.trim_start_matches('/').split_once('/').unwrap_or(("", ""));
    let Some(mut object) = store.object(from_bucket, from_key).cloned() else {
        return error("404 Not Found", "NoSuchKey");
    };
    if head.header("x-amz-metadata-directive") == Some("REPLACE") {
        object.headers.retain(|(name, _)| name.starts_with("x-amz-checksum-"));
        object.headers.extend(kept_headers(head).into_iter().filter(|(name, _)| !name.starts_with("x-amz-checksum-")));
    }
    object.modified = now();
    let inner = format!("<ETag>&quot;{}&quot;</ETag><LastModified>{}</LastModified>", object.etag, iso(object.modified));
    store.put(bucket, key, object);
    document("CopyObjectResult", &inner)
}

fn upload_part(store: &mut Store, head: &Head, body: &Body) -> Answer {
    let part = received(store, head, body);
    let headers = answer_headers(&part);
    let number = head.param("partNumber").and_then(|n| n.parse().ok()).unwrap_or(0);
    match store.uploads.get_mut(head.param("uploadId").unwrap_or("")) {
        Some(upload) if number > 0 => {
            upload.parts.insert(number, part);
            empty("200 OK", headers)
        }
        Some(_) => error("400 Bad Request", "InvalidArgument"),
        None => error("404 Not Found", "NoSuchUpload"),
    }
}

fn complete(store: &mut Store, head: &Head, bucket: &str, key: &str, body: &Body) -> Answer {
    let id = head.param("uploadId").unwrap_or("");
    let Some(upload) = store.uploads.get(id) else {
        return error("404 Not Found", "NoSuchUpload");
    };
    if head.header("if-none-match") == Some("*") && store.object(bucket, key).is_some() {
        return error("412 Precondition Failed", "PreconditionFailed");
    }
    let text = String::from_utf8_lossy(&body.kept).into_owned();
    let (mut size, mut count) = (0, 0);
    for part in elements(&text, "Part") {
        let number: u32 = elements(part, "PartNumber").next().and_then(|n| n.trim().parse().ok()).unwrap_or(0);
        let etag = unxml(elements(part, "ETag").next().unwrap_or(""));
        match upload.parts.get(&number) {
            Some(stored) if stored.etag == etag.trim().trim_matches('"') => size += stored.size,
            _ => return error("400 Bad Request", "InvalidPart"),
        }
        count += 1;
    }
    if count == 0 {
        return error("400 Bad Request", "MalformedXML");
    }
    if head.number("x-amz-mp-object-size").is_some_and(|declared| declared != size) {
        return error("400 Bad Request", "InvalidRequest");
    }
    let mut headers: Headers = upload.headers.clone();
    let checksums: Headers = kept_headers(head).into_iter().filter(|(name, _)| name.starts_with("x-amz-checksum-")).collect();
    headers.retain(|(name, _)| !name.starts_with("x-amz-checksum-"));
    headers.extend(checksums.clone());
    let etag = format!("{}-{count}", store.next_etag());
    let inner = format!(
        "<Location>/{0}/{1}</Location><Bucket>{0}</Bucket><Key>{1}</Key><ETag>&quot;{etag}&quot;</ETag>{2}",
        xml(bucket), xml(key), checksum_elements(&checksums)
    );
    store.uploads.remove(id);
    store.put(bucket, key, Object { size, etag, modified: now(), headers });
    document("CompleteMultipartUploadResult", &inner)
}

/// A listing of at most 1,000 keys and common prefixes, in order.
fn list(store: &Store, head: &Head, bucket: &str, v2: bool) -> Answer {
    let none = Default::default();
    let keys = store.buckets.get(bucket).unwrap_or(&none);
    let prefix = head.param("prefix").unwrap_or("");
    let delimiter = head.param("delimiter").filter(|d| !d.is_empty());
    let limit = head.param("max-keys").and_then(|n| n.parse().ok()).unwrap_or(1_000usize).min(1_000);
    let after = if v2 { head.param("continuation-token").or(head.param("start-after")) } else { head.param("marker") }.unwrap_or("");
    let url = head.param("encoding-type") == Some("url");
    let shown = |text: &str| if url { percent(text) } else { xml(text) };
    let (mut contents, mut prefixes, mut last, mut count, mut more) = (String::new(), String::new(), String::new(), 0, false);
    let mut current_prefix = String::new();
    let start = if after > prefix { after } else { prefix };
    for (key, object) in keys.range(start.to_string()..).take_while(|(key, _)| key.starts_with(prefix)) {
        if key.as_str() <= after && !after.is_empty() || (!after.is_empty() && delimiter.is_some() && after.ends_with(delimiter.unwrap_or("/")) && key.starts_with(after)) {
            continue;
        }
        let common = delimiter.and_then(|d| key[prefix.len()..].find(d).map(|at| &key[..prefix.len() + at + d.len()]));
        if common.is_some_and(|c| c == current_prefix) {
            continue;
        }
        if count == limit {
            more = true;
            break;
        }
        count += 1;
        match common {
            Some(common) => {
                current_prefix = common.to_string();
                prefixes.push_str(&format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", shown(common)));
                last = common.to_string();
            }
            None => {
                contents.push_str(&format!(
                    "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                    shown(key), iso(object.modified), object.etag, object.size
                ));
                last = key.clone();
            }
        }
    }
    let mut inner = format!("<Name>{}</Name><Prefix>{}</Prefix><MaxKeys>{limit}</MaxKeys><IsTruncated>{more}</IsTruncated>", xml(bucket), shown(prefix));
    if let Some(d) = delimiter {
        inner.push_str(&format!("<Delimiter>{}</Delimiter>", shown(d)));
    }
    if url {
        inner.push_str("<EncodingType>url</EncodingType>");
    }
    if v2 {
        inner.push_str(&format!("<KeyCount>{count}</KeyCount>"));
    }
    if more {
        // A continuation token is opaque: it is never encoded as keys are.
        inner.push_str(&if v2 { format!("<NextContinuationToken>{}</NextContinuationToken>", xml(&last)) } else { format!("<NextMarker>{}</NextMarker>", shown(&last)) });
    }
    document("ListBucketResult", &format!("{inner}{contents}{prefixes}"))
}

fn list_uploads(store: &Store, head: &Head, bucket: &str) -> Answer {
    let prefix = head.param("prefix").unwrap_or("");
    let uploads: String = store
        .uploads
        .iter()
        .filter(|(_, upload)| upload.bucket == bucket && upload.key.starts_with(prefix))
        .take(1_000)
        .map(|(id, upload)| format!("<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>{}</Initiated></Upload>", xml(&upload.key), iso(now())))
        .collect();
    document("ListMultipartUploadsResult", &format!("<Bucket>{}</Bucket><MaxUploads>1000</MaxUploads><IsTruncated>false</IsTruncated>{uploads}", xml(bucket)))
}

fn list_parts(store: &Store, head: &Head) -> Answer {
    let id = head.param("uploadId").unwrap_or("");
    let Some(upload) = store.uploads.get(id) else {
        return error("404 Not Found", "NoSuchUpload");
    };
    let after = head.param("part-number-marker").and_then(|n| n.parse().ok()).unwrap_or(0u32);
    let mut parts: Vec<_> = upload.parts.range(after + 1..).take(1_001).collect();
    let more = parts.len() > 1_000;
    parts.truncate(1_000);
    let next = parts.last().map_or(after, |(number, _)| **number);
    let list: String = parts
        .iter()
        .map(|(number, part)| {
            let checksums = checksum_elements(&part.headers);
            format!("<Part><PartNumber>{number}</PartNumber><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size>{checksums}</Part>", iso(part.modified), part.etag, part.size)
        })
        .collect();
    let inner = format!("<Key>{}</Key><UploadId>{id}</UploadId><NextPartNumberMarker>{next}</NextPartNumberMarker><MaxParts>1000</MaxParts><IsTruncated>{more}</IsTruncated>{list}", xml(&upload.key));
    document("ListPartsResult", &inner)
}

/// The object or part that a body was: the size of its data, its declared checksums (of the head or the trailer), an ETag that is its MD5 if that was sent.
fn received(store: &mut Store, head: &Head, body: &Body) -> Object {
    let mut headers = kept_headers(head);
    if let Some(name) = head.header("x-amz-trailer") {
        let tail = String::from_utf8_lossy(&body.tail);
        let value = tail.rfind(&format!("{name}:")).map(|at| tail[at + name.len() + 1..].lines().next().unwrap_or("").trim().to_string());
        headers.extend(value.map(|v| (name.to_string(), v)));
    }
    let size = head.number("x-amz-decoded-content-length").unwrap_or(body.bytes);
    store.data_bytes += size;
    let etag = head.header("content-md5").map(hex_of_base64).unwrap_or_else(|| store.next_etag());
    Object { size, etag, modified: now(), headers }
}

fn answer_headers(object: &Object) -> Headers {
    let mut headers: Headers = object.headers.iter().filter(|(name, _)| name.starts_with("x-amz-checksum-")).cloned().collect();
    headers.push(pair("etag", &format!("\"{}\"", object.etag)));
    headers
}

fn kept_headers(head: &Head) -> Headers {
    let kept = |name: &str| {
        name == "content-type" || name.starts_with("x-amz-meta-") || (name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-algorithm" && name != "x-amz-checksum-mode")
    };
    head.headers.iter().filter(|(name, _)| kept(name)).cloned().collect()
}

/// `x-amz-checksum-crc64nvme: …` as `<ChecksumCRC64NVME>…</ChecksumCRC64NVME>`.
fn checksum_elements(headers: &Headers) -> String {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("x-amz-checksum-")?, value)))
        .map(|(name, value)| {
            let name = if name == "type" { "ChecksumType".to_string() } else { format!("Checksum{}", name.to_ascii_uppercase()) };
            format!("<{name}>{}</{name}>", xml(value))
        })
        .collect()
}

fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let close = format!("</{name}>");
    text.split(&format!("<{name}>")).skip(1).filter_map(move |rest| rest.find(&close).map(|at| &rest[..at])).collect::<Vec<_>>().into_iter()
}

fn document(root: &str, inner: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{root}>");
    Answer { status: "200 OK", headers: vec![pair("content-type", "application/xml")], body }
}

pub fn error(status: &'static str, code: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>The sink says {code}.</Message><RequestId>SINK</RequestId></Error>");
    Answer { status, headers: vec![pair("content-type", "application/xml")], body }
}

fn empty(status: &'static str, headers: Headers) -> Answer {
    Answer { status, headers, body: String::new() }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_string(), value.to_string())
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unxml(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn percent(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() || b"-_.~/".contains(&b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

fn hex_of_base64(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0u32, 0, String::new());
    for value in text.bytes().filter_map(|b| ALPHABET.iter().position(|a| *a == b)) {
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push_str(&format!("{:02x}", bits >> held & 255));
        }
    }
    out
}
