#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| noctule_fuzz::metrics_request(data));
