//! A proxy in front of the service that lets single requests fail, and records what passes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to a request instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens for a moment.
    Refused,
    /// No answer comes.
    TimeOut,
    /// The connection is cut in the middle of the answer.
    Cut,
    Status(u16),
    /// 429 with `Retry-After`.
    Busy,
    /// Success with this body.
    Reply(&'static str),
}

/// Which request fails, counted from 0, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) request: usize,
    pub(crate) fault: Fault,
    /// The service gets the request all the same.
    pub(crate) is_forwarded: bool,
    /// All requests from this one on fail.
    pub(crate) is_lasting: bool,
}

/// What is done before a request is answered.
type Gate = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Shared {
    plan: Option<Plan>,
    /// Method and path of each request.
    seen: Vec<String>,
    gate: Option<Gate>,
    /// Lists of triggers that are still to be shown as they were before the last creation.
    late_lists: usize,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Proxy {
    /// Stands before the service at `origin`.
    pub(crate) fn start(origin: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let target: SocketAddr = origin.trim_start_matches("http://").parse().expect("an address");
        let known = Arc::clone(&shared);
        thread::spawn(move || listen(listener, address, target, &known));
        Self { address, shared }
    }

    /// An address of the service, through the proxy.
    pub(crate) fn before(&self, address: &str, origin: &str) -> String {
        address.replace(origin, &format!("http://{}", self.address))
    }

    pub(crate) fn plan(&self, plan: Option<Plan>) {
        let mut shared = self.shared.lock().expect("the proxy");
        shared.seen.clear();
        shared.plan = plan;
    }

    /// From now on every answer waits for this to return.
    pub(crate) fn before_each_answer(&self, gate: impl Fn() + Send + Sync + 'static) {
        self.shared.lock().expect("the proxy").gate = Some(Arc::new(gate));
    }

    /// The next lists of triggers show none: a service may list a new one some time after it has created it.
    pub(crate) fn list_late(&self, lists: usize) {
        self.shared.lock().expect("the proxy").late_lists = lists;
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.lock().expect("the proxy").seen.clone()
    }
}

fn listen(mut listener: TcpListener, own: SocketAddr, target: SocketAddr, shared: &Arc<Mutex<Shared>>) {
    loop {
        let Ok((client, _)) = listener.accept() else { return };
        let known = Arc::clone(shared);
        let worker = thread::spawn(move || pass(client, target, &known));
        let next = {
            let shared = shared.lock().expect("the proxy");
            shared.plan.filter(|plan| plan.fault == Fault::Refused).map(|plan| (plan, shared.seen.len()))
        };
        // The next request meets a closed port.
        if let Some((plan, seen)) = next
            && seen + 1 >= plan.request
        {
            let _ = worker.join();
            let is_now = shared.lock().expect("the proxy").seen.len() == plan.request;
            if is_now {
                drop(listener);
                thread::sleep(Duration::from_millis(120));
                shared.lock().expect("the proxy").plan = None;
                listener = loop {
                    match TcpListener::bind(own) {
                        Ok(listener) => break listener,
                        Err(_) => thread::sleep(Duration::from_millis(5)),
                    }
                };
            }
        }
    }
}

fn pass(mut client: TcpStream, target: SocketAddr, shared: &Mutex<Shared>) {
    let Some((first, request)) = read_message(&client) else { return };
    let (fault, gate, is_late) = {
        let mut shared = shared.lock().expect("the proxy");
        let number = shared.seen.len();
        shared.seen.push(first.split(' ').take(2).collect::<Vec<_>>().join(" "));
        let plan =
            shared.plan.filter(|plan| plan.fault != Fault::Refused && (plan.request == number || plan.is_lasting && plan.request < number));
        let is_late = first.starts_with("GET ") && first.contains("/triggers?") && shared.late_lists > 0;
        shared.late_lists -= usize::from(is_late);
        (plan, shared.gate.clone(), is_late)
    };
    if let Some(gate) = gate {
        gate();
    }
    if is_late {
        return answer(&mut client, 200, "", r#"{"triggers":[]}"#);
    }
    if fault.is_none_or(|plan| plan.is_forwarded) {
        let reply = forward(&request, target);
        if fault.is_none() {
            let _ = client.write_all(&reply);
            return;
        }
    }
    match fault.expect("there is one").fault {
        Fault::TimeOut => {
            // Until the client has given up.
            let _ = client.read(&mut [0]);
        }
        Fault::Cut => {
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"tri");
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
        Fault::Refused => {}
        Fault::Busy => answer(&mut client, 429, "Retry-After: 1\r\n", REFUSAL),
        Fault::Status(status) => answer(&mut client, status, "", REFUSAL),
        Fault::Reply(body) => answer(&mut client, 200, "", body),
    }
}

const REFUSAL: &str = r#"{"trace":"t","errors":[{"code":"x","message":"injected"}]}"#;

fn answer(client: &mut TcpStream, status: u16, header: &str, body: &str) {
    let text = format!("HTTP/1.1 {status} X\r\n{header}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let _ = client.write_all(text.as_bytes());
}

/// A request or reply: its first line, and all of it. Only bodies of a declared length are read.
fn read_message(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut all, mut first, mut length) = (Vec::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if first.is_empty() {
            first.clone_from(&line);
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if lower.starts_with("connection:") {
            continue;
        }
        if line == "\r\n" {
            all.extend(b"Connection: close\r\n\r\n");
            break;
        }
        all.extend(line.as_bytes());
    }
    let start = all.len();
    all.resize(start + length, 0);
    reader.read_exact(&mut all[start..]).ok()?;
    Some((first, all))
}

/// The service's reply. Its addresses are the proxy's, as `Host` says it.
fn forward(request: &[u8], target: SocketAddr) -> Vec<u8> {
    let mut service = TcpStream::connect(target).expect("the service listens");
    service.write_all(request).expect("the service reads");
    read_message(&service).map_or_else(Vec::new, |(_, reply)| reply)
}
