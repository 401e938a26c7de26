//! The hardware timer: the processor's SysTick, which interrupts every millisecond and counts down in between.
//!
//! [`Driver`] is all that Embassy's timers ask of a chip, and all that is to be written for another.

use core::cell::{Cell, RefCell};
use core::task::Waker;
use core::time::Duration;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_time::{Instant, Timer};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// Cycles of the board's clock in a microsecond.
const CYCLES: u32 = 25;
/// Microseconds between two interrupts.
const PERIOD: u32 = 1_000;
const RELOAD: u32 = CYCLES * PERIOD - 1;

struct SysTickTimer {
    interrupts: Mutex<Cell<u64>>,
    waiting: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static TIMER: SysTickTimer = SysTickTimer {
    interrupts: Mutex::new(Cell::new(0)),
    waiting: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for SysTickTimer {
    /// Microseconds since power-on. To count interrupts alone would be short of it by up to a millisecond, and timers would
    /// fire early by as much.
    fn now(&self) -> u64 {
        critical_section::with(|section| {
            let mut interrupts = self.interrupts.borrow(section).get();
            let mut left = SYST::get_current();
            if SCB::is_pendst_pending() {
                // It began again, and the interrupt waits for us.
                left = SYST::get_current();
                interrupts += 1;
            }
            interrupts * u64::from(PERIOD) + u64::from((RELOAD - left) / CYCLES)
        })
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|section| {
            let mut waiting = self.waiting.borrow_ref_mut(section);
            waiting.schedule_wake(at, waker);
        });
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        let interrupts = TIMER.interrupts.borrow(section);
        interrupts.set(interrupts.get() + 1);
        let now = interrupts.get() * u64::from(PERIOD);
        // It wakes who is due. When the next one is, a timer that ticks need not know.
        let _ = TIMER.waiting.borrow_ref_mut(section).next_expiration(now);
    });
}

/// Begins to count.
pub(crate) fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(RELOAD);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// The time since power-on: the instant of the nodes here.
pub(crate) fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

/// Waits until a moment, and not less: of a microsecond that was begun, for its end.
pub(crate) async fn wait_until(moment: Option<Duration>) {
    match moment {
        Some(moment) => {
            let microseconds = moment.as_nanos().div_ceil(1_000) as u64;
            Timer::at(Instant::from_micros(microseconds)).await;
        }
        None => core::future::pending().await,
    }
}
