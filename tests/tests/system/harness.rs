//! Runs each scenario as a test of its own.
//!
//! Most scenarios share a system per process layout, which starts with the first of them. After
//! the last one, it must verify and stop cleanly.

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use fintrac_tests::system::{Layout, System};
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{RwLock, Semaphore};

use crate::BINARY;

/// A system that scenarios share; `None` after its stop.
type SharedSystem = RwLock<Option<System>>;

static ONE_PROCESS: LazyLock<SharedSystem> = LazyLock::new(|| start(Layout::OneProcess));
static FIVE_PROCESSES: LazyLock<SharedSystem> = LazyLock::new(|| start(Layout::FiveProcesses));
/// Runs everything on shared systems: connections to them outlive the scenario that opened them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
/// Limits the separate tests at a time to the number of cores: they apply load and have deadlines.
static SEPARATE_TESTS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));

fn start(layout: Layout) -> SharedSystem {
    RwLock::new(Some(RUNTIME.block_on(System::start(BINARY, layout))))
}

fn shared_system(layout: Layout) -> &'static LazyLock<SharedSystem> {
    match layout {
        Layout::OneProcess => &ONE_PROCESS,
        Layout::FiveProcesses => &FIVE_PROCESSES,
    }
}

fn name_in(layout: Layout, name: &str) -> String {
    match layout {
        Layout::OneProcess => format!("one_process::{name}"),
        Layout::FiveProcesses => format!("five_processes::{name}"),
    }
}

/// Stops the shared system of `layout`, which must leave nothing running.
fn stop(layout: Layout) {
    RUNTIME.block_on(async {
        let mut system = shared_system(layout).write().await.take().expect("it runs");
        let codes = system.terminate().await;
        assert!(codes.iter().all(|code| *code == Some(0)), "a clean stop: {codes:?}");
        assert_eq!(system.postgres_pid(), None, "nothing is left running");
    });
}

/// A test against a running system.
pub trait Scenario: AsyncFnOnce(&System) + Send + 'static {}

impl<Test: AsyncFnOnce(&System) + Send + 'static> Scenario for Test {}

/// Both process layouts.
const LAYOUTS: [Layout; 2] = [Layout::OneProcess, Layout::FiveProcesses];

/// The tests in the order in which they start.
#[derive(Default)]
pub struct Tests {
    shared: Vec<Trial>,
    separate: Vec<Trial>,
}

impl Tests {
    /// Adds a test that starts its own processes.
    pub fn separate(&mut self, name: &str, test: impl AsyncFnOnce() + Send + 'static) {
        self.separate.push(trial(name.to_owned(), || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let _permit = SEPARATE_TESTS.acquire().await.expect("never closed");
                test().await;
            });
        }));
    }

    /// Adds a test that starts its own processes in each layout.
    pub fn separate_in_both_layouts(
        &mut self,
        name: &str,
        test: impl AsyncFnOnce(Layout) + Copy + Send + 'static,
    ) {
        for layout in LAYOUTS {
            self.separate(&name_in(layout, name), async move || test(layout).await);
        }
    }

    /// Adds a scenario that runs on the shared system of each layout, beside others.
    pub fn in_both_layouts(&mut self, name: &str, scenario: impl Scenario + Copy) {
        for layout in LAYOUTS {
            self.shared.push(scenario_trial(layout, name, scenario));
        }
    }

    /// Adds a scenario that runs on the shared system of one process only.
    pub fn in_one_process(&mut self, name: &str, scenario: impl Scenario) {
        self.shared.push(scenario_trial(Layout::OneProcess, name, scenario));
    }

    /// Adds a scenario that runs on the shared system of five processes only.
    pub fn in_five_processes(&mut self, name: &str, scenario: impl Scenario) {
        self.shared.push(scenario_trial(Layout::FiveProcesses, name, scenario));
    }

    /// Adds a scenario that runs on each shared system while no other scenario does.
    pub fn alone_in_both_layouts(&mut self, name: &str, scenario: impl Scenario + Copy) {
        for layout in LAYOUTS {
            self.shared.push(trial(name_in(layout, name), move || {
                let shared = LazyLock::force(shared_system(layout));
                RUNTIME.block_on(async { scenario(shared.write().await.as_ref().expect("it runs")).await });
            }));
        }
    }

    /// Runs the tests that the command line selects.
    ///
    /// As nextest runs each test in a process of its own, it gets all scenarios as one test.
    pub fn run(self) -> ExitCode {
        let Self { mut shared, separate } = self;
        if std::env::var_os("NEXTEST").is_some() {
            let run_all = || {
                let passed = run_and_stop(&Arguments::default(), shared);
                if passed { Ok(()) } else { Err("a scenario failed".into()) }
            };
            shared = vec![Trial::test("shared_systems", run_all)];
        }
        shared.extend(separate);
        let passed = run_and_stop(&Arguments::from_args(), shared);
        if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn trial(name: String, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        run();
        Ok(())
    })
}

fn scenario_trial(layout: Layout, name: &str, scenario: impl Scenario) -> Trial {
    trial(name_in(layout, name), move || {
        let shared = LazyLock::force(shared_system(layout));
        RUNTIME.block_on(async { scenario(shared.read().await.as_ref().expect("it runs")).await });
    })
}

/// Runs the selected tests, then stops the shared systems that they used.
///
/// Returns whether all tests passed and each system stopped cleanly.
fn run_and_stop(arguments: &Arguments, tests: Vec<Trial>) -> bool {
    let passed = !libtest_mimic::run(arguments, tests).has_failed();
    let mut last = Vec::new();
    for layout in LAYOUTS {
        let shared = LazyLock::get(shared_system(layout)).map(RwLock::blocking_read);
        let Some(system) = shared.as_deref().and_then(Option::as_ref) else { continue };
        if !passed {
            eprint!("{}", system.logs());
        }
        last.push(scenario_trial(layout, "ledger_invariants_hold", async |system: &System| {
            assert!(system.verify().await, "every invariant of the ledger holds");
        }));
        last.push(trial(name_in(layout, "stops_cleanly"), move || stop(layout)));
    }
    let in_order = Arguments {
        filter: None,
        skip: Vec::new(),
        exact: false,
        test_threads: Some(1),
        ..arguments.clone()
    };
    let stopped = last.is_empty() || !libtest_mimic::run(&in_order, last).has_failed();
    passed && stopped
}
