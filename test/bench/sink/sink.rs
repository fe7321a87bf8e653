//! A sink for upload benchmarks: speaks S3 to uploaders, throws every byte of content away and remembers only what a later HEAD or listing asks for.
//! Standard library only, a thread per connection: `rustc -O sink.rs`. Prints its port. `--port N` (0: any), `--max-rps N`: 503 SlowDown above it.
//! `GET /__sink/counts[?bucket=B&prefix=P]` is JSON of what it saw; `POST /__sink/reset` sets the counters to 0, `POST /__sink/forget` empties it.
//! It checks no signature and no checksum: it measures uploaders, it does not test them. Listens on 127.0.0.1 alone.

mod http;
mod s3;
mod store;

use http::{Body, Connection, Head};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use store::{http_date, now, Store};

struct Sink {
    store: Mutex<Store>,
    rate: Option<Mutex<Rate>>,
}

/// A bucket of a tenth of a second's requests, filled evenly.
struct Rate {
    per_second: f64,
    left: f64,
    at: Instant,
}

fn main() -> io::Result<()> {
    let port: u16 = option("--port").unwrap_or(0.0) as u16;
    let rate = option("--max-rps").map(|per_second| Mutex::new(Rate { per_second, left: per_second / 10.0, at: Instant::now() }));
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("{}", listener.local_addr()?.port());
    io::stdout().flush()?;
    let sink = Arc::new(Sink { store: Mutex::default(), rate });
    for stream in listener.incoming() {
        let (stream, sink) = (stream?, sink.clone());
        std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
            // A client that goes away is no event of the sink's.
            let _ = serve(&sink, stream);
        })?;
    }
    Ok(())
}

fn option(name: &str) -> Option<f64> {
    let all: Vec<String> = std::env::args().collect();
    all.iter().position(|a| a == name).and_then(|at| all.get(at + 1)).and_then(|v| v.parse().ok())
}

fn serve(sink: &Sink, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(stream);
    let mut counted = false;
    while let Some(head) = connection.read_head()? {
        if head.path.starts_with("/__sink/") {
            let body = control(&mut sink.store.lock().unwrap(), &head);
            let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
            respond(&mut connection, &head, s3::Answer { status, headers: vec![], body })?;
            continue;
        }
        if head.header("expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue")) {
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let operation = s3::operation(&head);
        let mut body = connection.read_body(&head, head.method == "POST")?;
        taken_by_front(&head, &mut body);
        let answer = {
            let refused = sink.rate.as_ref().is_some_and(|rate| !rate.lock().unwrap().take());
            let mut store = sink.store.lock().unwrap();
            store.connections += u64::from(!counted);
            counted = true;
            store.body_bytes += body.bytes;
            let name = operation.map(str::to_string).unwrap_or_else(|| format!("{} {}", head.method, head.query.first().map_or("?", |(n, _)| n.as_str())).replace(['"', '\\'], "_"));
            *store.requests.entry(name).or_default() += 1;
            if refused {
                store.rejected += 1;
                s3::error("503 Slow Down", "SlowDown")
            } else {
                s3::answer(&mut store, &head, operation, &body)
            }
        };
        respond(&mut connection, &head, answer)?;
        if head.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close")) {
            return Ok(());
        }
    }
    Ok(())
}

/// The TLS front drops bodies itself and says what they were: their length, and in hex their tail.
fn taken_by_front(head: &Head, body: &mut Body) {
    if let Some(bytes) = head.number("x-sink-body-bytes") {
        body.bytes = bytes;
        let tail = head.header("x-sink-body-tail").unwrap_or("");
        body.tail = (0..tail.len() / 2).filter_map(|i| u8::from_str_radix(tail.get(2 * i..2 * i + 2)?, 16).ok()).collect();
    }
}

fn control(store: &mut Store, head: &Head) -> String {
    match (head.method.as_str(), head.path.as_str()) {
        ("GET", "/__sink/counts") => store.counts(head.param("bucket"), head.param("prefix").unwrap_or("")),
        ("POST", "/__sink/reset") => {
            store.reset_counts();
            "{}".into()
        }
        ("POST", "/__sink/forget") => {
            *store = Store::default();
            "{}".into()
        }
        _ => String::new(),
    }
}

fn respond(connection: &mut Connection, head: &Head, answer: s3::Answer) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {}\r\ndate: {}\r\nserver: sink\r\nx-amz-request-id: SINK\r\n", answer.status, http_date(now()));
    let mut lengthless = true;
    for (name, value) in &answer.headers {
        lengthless &= name != "content-length";
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if lengthless && !answer.status.starts_with("204") {
        text.push_str(&format!("content-length: {}\r\n", answer.body.len()));
    }
    text.push_str("\r\n");
    if head.method != "HEAD" {
        text.push_str(&answer.body);
    }
    connection.write(text.as_bytes())
}

impl Rate {
    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * self.per_second).min((self.per_second / 10.0).max(1.0));
        self.at = now;
        let granted = self.left >= 1.0;
        self.left -= f64::from(u8::from(granted));
        granted
    }
}
