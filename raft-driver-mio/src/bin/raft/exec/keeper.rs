//! The keeper: the parent of the program, which outlives neither the lease nor the supervisor.
//!
//! It takes no part in the cluster. It is told until when the lease lasts, as a time of the clock that counts suspended time
//! too, and sets a timer for it. All it does beside is to start and to stop.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use raft_driver_mio::Instant;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, wait};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

use super::orders::{End, Notice, Order};
use super::{FAILED, link, slay};

/// Keeps a program for a supervisor at the other end of standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many nanoseconds after the end of the lease the program may use to end by itself
    grace: u64,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> ExitCode {
    match Keeper::new(args).and_then(|mut keeper| keeper.serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::complain("exec", format!("the keeper of the program: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

struct Keeper {
    command: Vec<OsString>,
    grace: Duration,
    link: UnixStream,
    orders: Vec<u8>,
    /// Readable when a child has ended.
    ended: UnixStream,
    timer: OwnedFd,
    program: Option<Program>,
}

/// The program while it runs.
struct Program {
    term: u64,
    /// Also its process group.
    pid: Pid,
    /// The end of the lease.
    until: Instant,
    /// When it is killed, once it was asked to end.
    kill_at: Option<Instant>,
    /// Whether no extension of the lease can save it any more.
    doomed: bool,
    /// How it ended by itself, once it has.
    status: Option<WaitStatus>,
}

impl Keeper {
    fn new(args: Args) -> io::Result<Keeper> {
        slay::adopt()?;
        let (ended, ending) = UnixStream::pair()?;
        ended.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGCHLD, ending)?;
        // What is sent to all processes of a service must not end this one before the program. Handled, not ignored: the
        // program would inherit that.
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2] {
            signal_hook::flag::register(signal, Arc::<AtomicBool>::default())?;
        }
        let link = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        link.set_nonblocking(true)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Keeper {
            command: args.command,
            grace: Duration::from_nanos(args.grace),
            link,
            orders: Vec::new(),
            ended,
            timer: timerfd_create(TimerfdClockId::Boottime, flags)?,
            program: None,
        })
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.set_timer()?;
            self.wait()?;
            // The lease may have been extended before its end, and the order waits here.
            let connected = self.read_orders();
            self.reap();
            self.enforce();
            if !connected {
                self.slay();
                return Ok(());
            }
        }
    }

    /// Waits for an order, the end of a child, or the time.
    fn wait(&self) -> io::Result<()> {
        let mut sources = [
            PollFd::new(&self.link, PollFlags::IN),
            PollFd::new(&self.ended, PollFlags::IN),
            PollFd::new(&self.timer, PollFlags::IN),
        ];
        match poll(&mut sources, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the timer to what is due next. Set anew, it is not readable for what it told before.
    fn set_timer(&self) -> io::Result<()> {
        let due = self.program.as_ref().map(Program::due);
        let since_start = due.map_or(Duration::ZERO, Instant::since_start);
        // Zero clears it.
        let it_value = Timespec {
            tv_sec: i64::try_from(since_start.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: since_start.subsec_nanos().into(),
        };
        let it_interval = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let time = Itimerspec {
            it_interval,
            it_value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &time)?;
        Ok(())
    }

    /// Carries out the orders that have arrived. False if the supervisor is gone.
    fn read_orders(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.link.read(&mut buffer) {
                Ok(0) => return false,
                Ok(read) => {
                    self.orders.extend(buffer.iter().take(read));
                    while let Some(line) = link::next_line(&mut self.orders) {
                        // Another program at the other end is as good as none.
                        let Ok(order) = serde_json::from_slice(&line) else {
                            return false;
                        };
                        self.obey(order);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn obey(&mut self, order: Order) {
        let now = Instant::now();
        match (order, &mut self.program) {
            (
                Order::Start {
                    term,
                    until,
                    environment,
                },
                None,
            ) => self.start(term, at(until), environment),
            (Order::Until { term, until }, Some(program)) if term == program.term => {
                program.until = program.until.max(at(until));
            }
            (Order::GiveUp, Some(program)) => program.doom(program.until.min(now), self.grace),
            (Order::Signal { signal }, Some(program)) => program.send(signal),
            (Order::Stop { signal, timeout }, Some(program)) => {
                program.kill_at_the_latest(now + Duration::from_nanos(timeout));
                if timeout > 0 {
                    program.ask_to_end(signal);
                }
            }
            // It tells of a program that has ended, as the supervisor knows or will know.
            (Order::Start { .. } | Order::Until { .. }, _)
            | (Order::GiveUp | Order::Signal { .. } | Order::Stop { .. }, None) => {}
        }
    }

    fn start(&mut self, term: u64, until: Instant, environment: Vec<(String, String)>) {
        if until <= Instant::now() {
            return self.tell(&Notice::Ended(End::LeaseOver));
        }
        let spawned = Command::new(link::OURSELVES)
            .arg0("raft")
            .args(["exec-program", &getpid().to_string(), "--"])
            .args(&self.command)
            .envs(environment)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn();
        match spawned {
            Ok(child) => {
                let pid = Pid::from_child(&child);
                self.program = Some(Program {
                    term,
                    pid,
                    until,
                    kill_at: None,
                    doomed: false,
                    status: None,
                });
                let pid = pid.as_raw_nonzero().get();
                self.tell(&Notice::Started { pid });
            }
            Err(error) => self.tell(&Notice::Ended(End::Failed(error.to_string()))),
        }
    }

    /// Takes note of the children that have ended.
    fn reap(&mut self) {
        let mut buffer = [0; 64];
        while self.ended.read(&mut buffer).is_ok_and(|read| read > 0) {}
        while let Ok(Some((child, status))) = wait(WaitOptions::NOHANG) {
            if let Some(program) = &mut self.program
                && program.pid == child
            {
                program.status = Some(status);
            }
        }
    }

    /// Ends what has no right to run any more.
    fn enforce(&mut self) {
        let Some(program) = &mut self.program else {
            return;
        };
        let now = Instant::now();
        if !program.doomed && program.until <= now {
            program.doom(program.until, self.grace);
        }
        let over = program.kill_at.is_some_and(|at| at <= now);
        if over || program.status.is_some() {
            self.slay();
        }
    }

    /// Kills what is left of the program and its descendants, and says so.
    fn slay(&mut self) {
        let Some(program) = &mut self.program else {
            // Orphans of an earlier one that a kernel hid from us.
            return slay::slay(None, &[], |_, _| {});
        };
        let Program { pid, status, .. } = program;
        slay::slay(Some(*pid), &[], |child, how| {
            if child == *pid {
                *status = Some(how);
            }
        });
        let end = if program.doomed {
            End::LeaseOver
        } else {
            End::Status(status.map_or(FAILED, exit_status))
        };
        self.program = None;
        self.tell(&Notice::Ended(end));
    }

    /// Tells the supervisor, if it listens.
    fn tell(&mut self, notice: &Notice) {
        let line = link::line(notice);
        // Notices are few and short. A supervisor that is gone is seen at the next order.
        let _ = self.link.write_all(&line);
    }
}

impl Program {
    /// When something is to be done about it.
    fn due(&self) -> Instant {
        let lease = (!self.doomed).then_some(self.until);
        [lease, self.kill_at]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.until)
    }

    /// Its lease ended then: no order that was under way can extend it any more.
    fn doom(&mut self, ended: Instant, grace: Duration) {
        if self.doomed {
            return;
        }
        self.doomed = true;
        self.kill_at_the_latest(ended + grace);
        if !grace.is_zero() {
            self.ask_to_end(SIGTERM);
        }
    }

    fn kill_at_the_latest(&mut self, at: Instant) {
        self.kill_at = Some(self.kill_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// A process that is stopped takes no signal before it goes on.
    fn ask_to_end(&self, signal: i32) {
        self.send(signal);
        self.send(SIGCONT);
    }

    /// Sends a signal to the whole group. One that is gone needs none.
    fn send(&self, signal: i32) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            let _ = kill_process_group(self.pid, signal);
        }
    }
}

fn at(nanoseconds: u64) -> Instant {
    Instant::at(Duration::from_nanos(nanoseconds))
}

/// The status as a shell has it.
fn exit_status(status: WaitStatus) -> u8 {
    let status = match (status.exit_status(), status.terminating_signal()) {
        (Some(status), _) => status,
        (None, Some(signal)) => 128 + signal,
        (None, None) => FAILED.into(),
    };
    u8::try_from(status).unwrap_or(FAILED)
}
