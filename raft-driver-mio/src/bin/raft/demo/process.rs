//! One node as a process of its own: start it, hear it, stop it.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::Event;
use super::control::{self, Question};
use super::ledger::Process;

/// A process that runs, or has just ended. Dropped, it is killed, and has ended.
#[derive(Debug)]
pub(crate) struct Running {
    /// Which start of which node.
    pub(crate) process: Process,
    child: Child,
    state_dir: PathBuf,
    events: Sender<Event>,
    reader: Option<JoinHandle<()>>,
    questions: Option<Sender<Question>>,
    asker: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts `command`. What it writes on its standard error, and its end, are sent to `events`.
    pub(crate) fn start(
        mut command: Command,
        process: Process,
        state_dir: PathBuf,
        events: Sender<Event>,
    ) -> io::Result<Running> {
        let mut child = command
            // The node ends when this pipe is closed: by us, or by the system when we are no more.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // What the terminal sends on Ctrl-C and Ctrl-Z is meant for the demo.
            .process_group(0)
            .spawn()?;
        let stderr = child.stderr.take();
        let news = events.clone();
        let reader = std::thread::spawn(move || {
            if let Some(stderr) = stderr {
                hear(BufReader::new(stderr), |line| {
                    let _ = news.send(Event::Line(process, line));
                });
            }
            let _ = news.send(Event::Ended(process));
        });
        Ok(Running {
            process,
            child,
            state_dir,
            events,
            reader: Some(reader),
            questions: None,
            asker: None,
        })
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Puts a question; the answer comes as an event. The node must have said that it takes part.
    pub(crate) fn ask(&mut self, question: Question) {
        let questions = self.questions.get_or_insert_with(|| {
            let (events, process) = (self.events.clone(), self.process);
            let (questions, asker) = control::serve(self.state_dir.clone(), move |answer| {
                let _ = events.send(Event::Answer(process, answer));
            });
            self.asker = Some(asker);
            questions
        });
        let _ = questions.send(question);
    }

    /// Sends SIGSTOP or SIGCONT.
    pub(crate) fn pause(&self, paused: bool) -> io::Result<()> {
        let signal = if paused { Signal::STOP } else { Signal::CONT };
        let pid = i32::try_from(self.pid())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(pid, signal)?)
    }

    /// Sends SIGKILL and waits for the end. All that it said has been sent to `events` when this returns.
    pub(crate) fn kill(&mut self) -> io::Result<ExitStatus> {
        // Not an error if it has ended already.
        self.child.kill()?;
        self.wait()
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait();
        self.questions = None;
        for thread in [self.reader.take(), self.asker.take()]
            .into_iter()
            .flatten()
        {
            let _ = thread.join();
        }
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Reads lines until the end, whatever bytes they hold.
fn hear(mut from: impl BufRead, mut heard: impl FnMut(String)) {
    let mut line = Vec::new();
    while from
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        heard(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const PROCESS: Process = Process { node: 1, start: 0 };

    #[test]
    fn every_line_comes_before_the_end() {
        let (events, heard) = channel();
        let script = shell("echo one >&2; printf 'tw\\377o' >&2; echo not this");
        let mut running = Running::start(script, PROCESS, PathBuf::new(), events).unwrap();
        assert!(running.wait().unwrap().success());
        drop(running);
        let heard: Vec<String> = heard
            .iter()
            .map(|event| match event {
                Event::Line(PROCESS, line) => line,
                Event::Ended(PROCESS) => "ended".to_owned(),
                event => panic!("{event:?}"),
            })
            .collect();
        assert_eq!(heard, ["one", "tw\u{fffd}o", "ended"]);
    }

    #[test]
    fn a_process_that_is_dropped_has_ended_even_if_stopped() {
        let (events, heard) = channel();
        let running = Running::start(
            shell("echo up >&2; exec sleep 1000"),
            PROCESS,
            PathBuf::new(),
            events,
        )
        .unwrap();
        let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
        assert!(matches!(
            heard.recv_timeout(Duration::from_secs(60)),
            Ok(Event::Line(..))
        ));
        running.pause(true).unwrap();
        drop(running);
        assert!(rustix::process::test_kill_process(pid).is_err());
        assert!(matches!(heard.recv(), Ok(Event::Ended(PROCESS))));
    }

    #[test]
    fn the_pipe_is_the_life_line() {
        let (events, _heard) = channel();
        let mut running =
            Running::start(shell("exec cat"), PROCESS, PathBuf::new(), events).unwrap();
        drop(running.child.stdin.take());
        assert!(running.wait().unwrap().success());
    }
}
