//! HTTP/1.1 as much of it as uploads need: request heads, bodies of known length or chunked, answers. One buffer per connection, used again and again.

use std::io::{self, Read, Write};
use std::net::TcpStream;

const BUFFER_BYTES: usize = 1 << 20;
/// Enough for the trailer of an aws-chunked body: a checksum and its signature.
const TAIL_BYTES: usize = 512;

pub struct Head {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    pub fn has(&self, name: &str) -> bool {
        self.param(name).is_some()
    }
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name).and_then(|v| v.trim().parse().ok())
    }
}

/// What became of a body: how many bytes it had, its last ones, and all of it where it was asked for.
#[derive(Default)]
pub struct Body {
    pub bytes: u64,
    pub tail: Vec<u8>,
    pub kept: Vec<u8>,
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        Connection { stream, buffer: vec![0; BUFFER_BYTES], from: 0, to: 0 }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next request's head; None when the client has closed the connection.
    pub fn read_head(&mut self) -> io::Result<Option<Head>> {
        let mut searched = self.from;
        loop {
            if let Some(at) = find(&self.buffer[searched..self.to], b"\r\n\r\n") {
                let end = searched + at;
                let text = String::from_utf8_lossy(&self.buffer[self.from..end]).into_owned();
                self.from = end + 4;
                return Ok(Some(parse_head(&text)?));
            }
            searched = self.to.saturating_sub(3).max(self.from);
            if self.from > 0 {
                self.buffer.copy_within(self.from..self.to, 0);
                searched -= self.from;
                self.to -= self.from;
                self.from = 0;
            }
            if self.to == self.buffer.len() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a head of more than 1 MiB"));
            }
            let got = self.stream.read(&mut self.buffer[self.to..])?;
            if got == 0 {
                return Ok(None);
            }
            self.to += got;
        }
    }

    /// Reads the body of `head` to its end. Bytes are counted and dropped, but for the tail of a body with a trailer, and all when `keep`.
    pub fn read_body(&mut self, head: &Head, keep: bool) -> io::Result<Body> {
        let mut body = Body::default();
        let tail = head.header("x-amz-trailer").is_some();
        let chunked = head.header("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked"));
        if !chunked {
            let length = head.number("content-length").unwrap_or(0);
            self.drain(length, keep, tail, &mut body)?;
            return Ok(body);
        }
        loop {
            let line = self.read_line()?;
            let size = u64::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "bad chunk size"))?;
            if size == 0 {
                while !self.read_line()?.is_empty() {}
                return Ok(body);
            }
            self.drain(size, keep, tail, &mut body)?;
            self.read_line()?;
        }
    }

    fn drain(&mut self, length: u64, keep: bool, tail: bool, body: &mut Body) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            if self.from == self.to {
                self.from = 0;
                self.to = self.stream.read(&mut self.buffer)?;
                if self.to == 0 {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed within a body"));
                }
            }
            let take = ((self.to - self.from) as u64).min(left) as usize;
            let piece = &self.buffer[self.from..self.from + take];
            if keep {
                body.kept.extend_from_slice(piece);
            }
            if tail {
                body.tail.extend_from_slice(&piece[take.saturating_sub(TAIL_BYTES)..]);
                let over = body.tail.len().saturating_sub(TAIL_BYTES);
                body.tail.drain(..over);
            }
            self.from += take;
            left -= take as u64;
            body.bytes += take as u64;
        }
        Ok(())
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            if self.from == self.to {
                self.from = 0;
                self.to = self.stream.read(&mut self.buffer)?;
                if self.to == 0 {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed within a chunk"));
                }
            }
            let byte = self.buffer[self.from];
            self.from += 1;
            if byte == b'\n' {
                return Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_string());
            }
            line.push(byte);
        }
    }
}

fn parse_head(text: &str) -> io::Result<Head> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP request");
    let mut lines = text.split("\r\n");
    let mut first = lines.next().ok_or_else(bad)?.split(' ');
    let method = first.next().ok_or_else(bad)?.to_string();
    let target = first.next().ok_or_else(bad)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()))
        .collect();
    let query = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name, true), decode(value, true)))
        .collect();
    Ok(Head { method, path: decode(path, false), query, headers })
}

/// Percent-decoding; in a query `+` is a space.
pub fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if plus && bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
