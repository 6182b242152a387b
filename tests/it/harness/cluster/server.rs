//! A port of this machine, and a thread for each of its connections.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Its threads have ended when it is gone.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    is_ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// A connection ends when `serve` returns.
    pub(super) fn start(serve: impl Fn(&TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let is_ending = Arc::new(AtomicBool::new(false));
        let known = Arc::clone(&is_ending);
        let thread = thread::spawn(move || accept(&listener, &known, &Arc::new(serve)));
        Self { address, is_ending, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::SeqCst);
        // A last connection wakes the thread that waits for one.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn accept<S: Fn(&TcpStream) + Send + Sync + 'static>(listener: &TcpListener, is_ending: &AtomicBool, serve: &Arc<S>) {
    let mut open: Vec<(TcpStream, JoinHandle<()>)> = Vec::new();
    for stream in listener.incoming().flatten() {
        if is_ending.load(Ordering::SeqCst) {
            break;
        }
        open.retain(|(_, worker)| !worker.is_finished());
        let handle = stream.try_clone().expect("a second handle");
        let serve = Arc::clone(serve);
        let worker = thread::spawn(move || {
            serve(&stream);
            // Two handles: to drop this one would leave the client waiting.
            let _ = stream.shutdown(Shutdown::Both);
        });
        open.push((handle, worker));
    }
    for (stream, worker) in open {
        let _ = stream.shutdown(Shutdown::Both);
        let _ = worker.join();
    }
}
