//! What one caller can take from the others: connections, time and memory.

use serde_json::Value;

use super::JSON;
use crate::harness::connection::Connection;
use crate::harness::service::{Service, message, send};

const FORM_HEAD: &str = "POST /identity/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";

#[test]
fn half_sent_requests_are_dropped_and_leave_room_for_others() {
    let service = Service::start(&[]);
    // More than may be open at once.
    let mut held: Vec<Connection> = (0..300).map(|_| Connection::to(&service)).collect();
    for (number, connection) in held.iter_mut().enumerate() {
        connection.send(if number % 2 == 0 { b"GET / HTTP/1.1\r\nHost: loc" } else { b"" });
    }
    assert_eq!(service.get("/properties")["properties"], Value::Array(Vec::new()));
    for connection in &mut held {
        assert!(matches!(connection.status(), None | Some(408)));
    }
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let service = Service::start(&[]);
    let mut connection = Connection::to(&service);
    connection.send(format!("{FORM_HEAD}Content-Length: 100\r\n\r\nhalf").as_bytes());
    assert_eq!(connection.status(), Some(408));
}

#[test]
fn no_more_than_512_kilobytes_are_read_of_a_stranger() {
    let service = Service::start(&[]);
    // The rest of the body is never sent.
    let mut announced = Connection::to(&service);
    announced.send(format!("{FORM_HEAD}Content-Length: 3000000\r\n\r\n{}", "x".repeat(512 * 1024 + 1)).as_bytes());
    assert_eq!(announced.status(), Some(413));
    let mut counted = Connection::to(&service);
    counted.send(format!("{FORM_HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..8 {
        counted.send(chunk.as_bytes());
    }
    counted.send(b"1\r\nx\r\n");
    assert_eq!(counted.status(), Some(413));
    // A caller who may change things sees the refusal also where it sends on.
    let (status, reply) = send("POST", &service.address("/triggers"), &[JSON], &vec![b'x'; 3_000_000]);
    assert_eq!((status, message(&reply)), (413, "the body has more than 512 KB"));
}

#[test]
fn a_malformed_chunk_is_an_error_of_the_caller_and_not_too_large() {
    let service = Service::start(&[]);
    let mut connection = Connection::to(&service);
    connection.send(format!("{FORM_HEAD}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n").as_bytes());
    assert_eq!(connection.status(), Some(400));
}

#[test]
fn it_ends_without_waiting_for_what_is_half_sent() {
    let service = Service::start(&[]);
    let mut held: Vec<Connection> = (0..3).map(|_| Connection::to(&service)).collect();
    held[0].send(b"GET / HTTP/1.1\r\nHost: loc");
    held[1].send(format!("{FORM_HEAD}Content-Length: 100\r\n\r\nhalf").as_bytes());
    // Both have been taken: they came first.
    service.get("/properties");
    service.end();
    // Who waits for the rest answers with a time-out when it does not come.
    for connection in &mut held {
        assert_eq!(connection.status(), None);
    }
}
