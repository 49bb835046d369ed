//! What the operating system says of this process, under the names that every Prometheus client gives it. Linux; elsewhere
//! nothing is shown.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};

use super::sources::gauge;

#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kibibytes) = field(&status, "VmRSS:") {
            let help = "Memory in use, in bytes";
            gauge(&mut encoder, "process_resident_memory_bytes", help, kibibytes * 1024.0)?;
        }
        if let Some(threads) = field(&status, "Threads:") {
            gauge(&mut encoder, "process_threads", "Threads", threads)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is this look.
            let open = u32::try_from(files.count().saturating_sub(1)).unwrap_or(u32::MAX);
            gauge(&mut encoder, "process_open_fds", "Open file descriptors", f64::from(open))?;
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(most) = field(&limits, "Max open files") {
            gauge(&mut encoder, "process_max_fds", "File descriptors that may be open", most)?;
        }
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(Times { processor, began }) = times(&stat) {
            let help = "Processor time used, in seconds";
            let family = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(processor).encode(family)?;
            let boot = fs::read_to_string("/proc/stat").ok().and_then(|stat| field(&stat, "btime"));
            if let Some(boot) = boot {
                let help = "When the process started, in seconds since 1970";
                gauge(&mut encoder, "process_start_time_seconds", help, boot + began)?;
            }
        }
        Ok(())
    }
}

/// The number after `name` at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

struct Times {
    /// Seconds of processor time.
    processor: f64,
    /// Seconds after the machine's start.
    began: f64,
}

/// In how many parts Linux divides a second for these numbers, on every platform that is in use.
const TICKS: f64 = 100.0;

/// From `/proc/self/stat` (proc(5)): its fields 14, 15 and 22. The second field is a name that may hold anything.
fn times(stat: &str) -> Option<Times> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map(str::parse::<f64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    let began = fields.nth(6)?.ok()?;
    Some(Times { processor: (user + system) / TICKS, began: began / TICKS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        let stat = "77 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 20 0 4 0 300 22 23";
        let Times { processor, began } = times(stat).unwrap();
        assert_eq!((processor, began), (2.0, 3.0));
        assert_eq!(field("Name:\tx\nVmRSS:\t  1234 kB\n", "VmRSS:"), Some(1234.0));
        assert_eq!(field("", "VmRSS:"), None);
    }
}
