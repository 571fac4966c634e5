//! The real clock and real chance, which everything else takes as arguments; and what a process asks of its machine.

use commonroll_core::Timestamp;
use std::any::Any;

/// The machine's clock and the cryptographic provider's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

/// Now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::from_jiff(jiff::Timestamp::now())
}

/// Sees to it that a crash leaves no file with keys and records in it. Where that can't be had, the service's unit says it too.
pub fn leave_no_core() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        // A machine that pipes core files into a program of its own asks this instead.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Exit code of a command whose output nobody reads any more: what a shell makes of SIGPIPE.
pub const NO_READER: u8 = 141;

/// Whoever reads a command's output may stop doing so, as `head` does. The command ends then, without a word.
pub fn be_silent_without_a_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !has_no_reader(panic.payload()) {
            usual(panic);
        }
    }));
}

/// True if printing failed because nobody reads: the standard library's macros know no other way to say it.
pub fn has_no_reader(cause: &(dyn Any + Send)) -> bool {
    let said = cause.downcast_ref::<String>().map_or("", String::as_str);
    said.starts_with("failed printing to std") && said.contains("Broken pipe")
}

impl Real {
    /// 32 bytes that nobody can know.
    pub fn random_seed(self) -> [u8; 32] {
        let mut seed = [0; 32];
        commonroll_hub::Randomness::fill(&self, &mut seed);
        seed
    }
}

impl commonroll_exchange::Clock for Real {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl commonroll_agent::Clock for Real {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl commonroll_hub::Randomness for Real {
    fn fill(&self, bytes: &mut [u8]) {
        commonroll_hub::ProviderRandomness.fill(bytes);
    }
}

impl commonroll_agent::Randomness for Real {
    fn fill(&self, bytes: &mut [u8]) {
        commonroll_hub::Randomness::fill(&commonroll_hub::ProviderRandomness, bytes);
    }
}
