//! Runs a command and writes what it took, as JSON: `measure OUT.json COMMAND ARGUMENT…`. Standard library and two calls of libc; Linux.
//! CPU seconds are the command's and of all descendants that were waited for (wait4); peak RSS is the most that the whole process tree had at one of the
//! looks taken every 10 ms, or the kernel's own peak of its largest process where that is more. Shared pages count once per process. Exits 0 if it measured.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[repr(C)]
#[derive(Default)]
struct Usage {
    user_seconds: i64,
    user_micros: i64,
    system_seconds: i64,
    system_micros: i64,
    max_rss_kib: i64,
    rest: [i64; 13],
}

extern "C" {
    fn wait4(pid: i32, status: *mut i32, options: i32, usage: *mut Usage) -> i32;
    fn sysconf(name: i32) -> i64;
}

const SC_PAGESIZE: i32 = 30;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let started = Instant::now();
    let child = Command::new(&arguments[2]).args(&arguments[3..]).stdin(Stdio::null()).spawn().expect("cannot start the command");
    let pid = child.id() as i32;
    let ended = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let ended = ended.clone();
        let page = unsafe { sysconf(SC_PAGESIZE) } as u64;
        move || {
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                peak = peak.max(tree_pages(pid) * page);
                std::thread::sleep(Duration::from_millis(10));
            }
            peak
        }
    });
    let (mut status, mut usage) = (0, Usage::default());
    while unsafe { wait4(pid, &mut status, 0, &mut usage) } != pid {}
    let wall = started.elapsed().as_secs_f64();
    ended.store(true, Ordering::Relaxed);
    let tree = watch.join().unwrap_or(0);
    let peak = tree.max(usage.max_rss_kib as u64 * 1024);
    let code = if status & 0x7f == 0 { status >> 8 & 0xff } else { 128 + (status & 0x7f) };
    let json = format!(
        "{{\"exitCode\":{code},\"wallSeconds\":{wall:.6},\"userSeconds\":{}.{:06},\"systemSeconds\":{}.{:06},\"peakRssBytes\":{peak}}}",
        usage.user_seconds, usage.user_micros, usage.system_seconds, usage.system_micros
    );
    std::fs::write(&arguments[1], json).expect("cannot write the measurement");
}

fn tree_pages(pid: i32) -> u64 {
    let own = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok();
    let own = own.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok()).unwrap_or(0);
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    own + children.flat_map(|list| list.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<i32>>()).map(tree_pages).sum::<u64>()
}
