//! One request and one answer: all that a connection is used for.

use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;

pub(super) struct Request {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// Names are in small letters.
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Nothing where the client leaves first, or writes what is not HTTP.
    fn read(reader: &mut BufReader<impl Read + Write>) -> Option<Self> {
        let first = line(reader)?;
        let mut words = first.split(' ').map(str::to_owned);
        let mut request = Self { method: words.next()?, target: words.next()?, headers: headers(reader)?, body: Vec::new() };
        if request.header("expect").is_some() {
            reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        request.body = match request.header("content-length") {
            Some(length) => exactly(length.parse().ok()?, reader)?,
            None if request.header("transfer-encoding").is_some() => chunks(reader)?,
            None => Vec::new(),
        };
        Some(request)
    }
}

/// Reads a request and writes its answer. An empty answer leaves the client without one.
pub(super) fn exchange(stream: impl Read + Write, answer: impl FnOnce(&Request) -> Vec<u8>) {
    let mut reader = BufReader::new(stream);
    if let Some(request) = Request::read(&mut reader) {
        // The client may be gone; that is for its test to judge.
        let _ = reader.get_mut().write_all(&answer(&request));
    }
}

/// An answer as it is sent.
pub(super) fn json(code: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}", body.len());
    format!("{head}\r\n\r\n{body}").into_bytes()
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    Some(line.strip_suffix("\r\n")?.to_owned())
}

fn headers(reader: &mut impl BufRead) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Some(headers);
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn exactly(length: u64, reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(length).read_to_end(&mut bytes).ok()?;
    (read as u64 == length).then_some(bytes)
}

fn chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(reader)?;
        let length = u64::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        body.extend(exactly(length, reader)?);
        // After the last chunk this ends the body; trailers are not for us.
        line(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}
