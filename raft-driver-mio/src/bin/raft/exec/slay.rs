//! The end of a process group and of all that descends from this process.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group,
    set_child_subreaper, wait,
};

/// After which time processes that could not be listed are looked at again.
const AGAIN: Duration = Duration::from_millis(10);

/// Makes this process the parent of every orphan among its descendants, so that none escapes. Returns the children that it
/// has already, which are none of ours.
pub(crate) fn adopt() -> io::Result<Vec<Pid>> {
    set_child_subreaper(Some(getpid()))?;
    Ok(children())
}

/// Kills the group and every descendant of this process but the children in `spared` and their descendants; returns when all of them are
/// dead. `ended` is told of each child, and how it ended.
///
/// Descendants that left the group become children of this process when their parents die, and are killed then.
pub(crate) fn slay(group: Option<Pid>, spared: &[Pid], mut ended: impl FnMut(Pid, WaitStatus)) {
    loop {
        if let Some(group) = group {
            // It is gone when this fails.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let ours = |mut children: Vec<Pid>| {
            children.retain(|child| !spared.contains(child));
            children
        };
        let mut ours_now = ours(children());
        if ours_now.is_empty() && !spared.is_empty() {
            // The lists of threads may lack a child while others come and go. In a look at all processes every child is found, for
            // none of ours goes away before it is waited for, here.
            match children_among_all().map(ours) {
                Ok(none) if none.is_empty() => return,
                Ok(found) => ours_now = found,
                // Nobody knows now; a full table of files, say, has room again some time.
                Err(_) => {
                    std::thread::sleep(AGAIN);
                    continue;
                }
            }
        }
        for child in ours_now {
            let _ = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::empty()) {
            Ok(Some((child, status))) => ended(child, status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // No child is left, and so no descendant.
            Err(_) => return,
        }
    }
}

/// The children of this process, the dead that nobody waited for among them.
fn children() -> Vec<Pid> {
    // A kernel without CONFIG_PROC_CHILDREN does not list them.
    children_of_threads()
        .or_else(|_| children_among_all())
        .unwrap_or_default()
}

/// Each child is listed with one of the threads.
fn children_of_threads() -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let list = fs::read_to_string(thread?.path().join("children"))?;
        children.extend(list.split_whitespace().filter_map(parse));
    }
    Ok(children)
}

fn children_among_all() -> io::Result<Vec<Pid>> {
    let me = getpid();
    let processes = fs::read_dir("/proc")?.flatten();
    let pids = processes.filter_map(|entry| parse(entry.file_name().to_str()?));
    let mut children = Vec::new();
    for pid in pids {
        if parent(pid)? == Some(me) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// The parent of a process: the second field after the name, which is in parentheses and may hold anything. `None` for one that is
/// no more.
fn parent(pid: Pid) -> io::Result<Option<Pid>> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let after_name = stat.rsplit_once(')').map(|(_, after)| after);
    Ok(after_name.and_then(|fields| parse(fields.split_whitespace().nth(1)?)))
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

fn parse(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_find_children_agree() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .expect("a child");
        let pid = Pid::from_child(&child);
        // A thread of another test that ends while it is looked at fails a look, and may hide a child from it.
        let listed = |_| children_of_threads().is_ok_and(|list| list.contains(&pid));
        assert!((0..1000).any(listed));
        assert!(children_among_all().expect("/proc").contains(&pid));
        child.kill().expect("a kill");
        child.wait().expect("an end");
        assert!(!children_among_all().expect("/proc").contains(&pid));
    }
}
