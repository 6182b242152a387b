//! A connection to the service, on which a test writes what no client would.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::service::Service;

/// Longer than anything that the service waits for, on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) fn to(service: &Service) -> Self {
        let stream = TcpStream::connect(service.origin.trim_start_matches("http://")).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Self(stream)
    }

    /// Sends a text; what the service does not take any more is left out.
    pub(crate) fn send(&mut self, text: &[u8]) {
        let _ = self.0.write_all(text);
    }

    /// The status of the reply; nothing where the connection ends without one.
    pub(crate) fn status(&mut self) -> Option<u16> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.0.read(&mut byte) {
                Ok(1) if byte != *b"\n" => line.push(byte[0]),
                Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("neither a reply nor an end: {error}"),
                _ => break,
            }
        }
        String::from_utf8_lossy(&line).split(' ').nth(1)?.parse().ok()
    }
}
