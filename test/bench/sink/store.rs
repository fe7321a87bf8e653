//! What the sink remembers of buckets: keys, sizes, ETags and metadata, never a byte of content; and what it counted.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

pub type Headers = Vec<(String, String)>;

#[derive(Clone)]
pub struct Object {
    pub size: u64,
    pub etag: String,
    pub modified: u64,
    /// x-amz-meta-*, x-amz-checksum-*, content-type.
    pub headers: Headers,
}

pub struct Upload {
    pub bucket: String,
    pub key: String,
    pub headers: Headers,
    pub parts: BTreeMap<u32, Object>,
}

#[derive(Default)]
pub struct Store {
    pub buckets: BTreeMap<String, BTreeMap<String, Object>>,
    pub uploads: BTreeMap<String, Upload>,
    pub requests: HashMap<String, u64>,
    /// Of bodies as received, framing of aws-chunked included; and of the data in them.
    pub body_bytes: u64,
    pub data_bytes: u64,
    pub connections: u64,
    pub rejected: u64,
    serial: u64,
}

impl Store {
    /// 32 hex digits that look like an MD5 and are none.
    pub fn next_etag(&mut self) -> String {
        self.serial += 1;
        format!("{:016x}{:016x}", self.serial.wrapping_mul(0x9e3779b97f4a7c15), self.serial)
    }

    pub fn object(&self, bucket: &str, key: &str) -> Option<&Object> {
        self.buckets.get(bucket)?.get(key)
    }

    pub fn put(&mut self, bucket: &str, key: &str, object: Object) {
        self.buckets.entry(bucket.to_string()).or_default().insert(key.to_string(), object);
    }

    /// JSON; objects counted are those of `bucket` under `prefix`, or all.
    pub fn counts(&self, bucket: Option<&str>, prefix: &str) -> String {
        let (mut objects, mut bytes) = (0u64, 0u64);
        for (name, keys) in &self.buckets {
            if bucket.is_some_and(|wanted| wanted != name) {
                continue;
            }
            for (_, object) in keys.range(prefix.to_string()..).take_while(|(key, _)| key.starts_with(prefix)) {
                objects += 1;
                bytes += object.size;
            }
        }
        let mut requests: Vec<String> = self.requests.iter().map(|(name, count)| format!("\"{name}\":{count}")).collect();
        requests.sort();
        format!(
            "{{\"objects\":{objects},\"objectBytes\":{bytes},\"uploadsOpen\":{},\"bodyBytes\":{},\"dataBytes\":{},\"connections\":{},\"rejected\":{},\"requests\":{{{}}}}}",
            self.uploads.len(), self.body_bytes, self.data_bytes, self.connections, self.rejected, requests.join(",")
        )
    }

    /// Counters only: what was uploaded stays, for a no-op run.
    pub fn reset_counts(&mut self) {
        self.requests.clear();
        (self.body_bytes, self.data_bytes, self.connections, self.rejected) = (0, 0, 0, 0);
    }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// `2026-11-24T11:18:27.000Z`
pub fn iso(seconds: u64) -> String {
    let (y, m, d, h, min, s, _) = civil(seconds);
    format!("{y:04}-{m:02}-{d:02}T{h:02}:{min:02}:{s:02}.000Z")
}

/// `Tue, 24 Nov 2026 11:18:27 GMT`
pub fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (y, m, d, h, min, s, weekday) = civil(seconds);
    format!("{}, {d:02} {} {y:04} {h:02}:{min:02}:{s:02} GMT", DAYS[weekday], MONTHS[m as usize - 1])
}

fn civil(seconds: u64) -> (u64, u64, u64, u64, u64, u64, usize) {
    let days = seconds / 86_400;
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    let rest = seconds % 86_400;
    (year, month, day, rest / 3_600, rest / 60 % 60, rest % 60, (days % 7) as usize)
}
