//! Reads what is asked: the head of an HTTP/1 request, RFC 9112. `GET /metrics` is answered and nothing else, so that no
//! more of a request is understood than that needs; what comes behind its head is never read.

/// The longest head of a request, in bytes.
pub const LONGEST: usize = 8 << 10;
/// The longest method, in bytes.
const LONGEST_METHOD: usize = 16;
/// What there is.
const PATH: &[u8] = b"/metrics";

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Its head has not come as a whole.
    More,
    /// It asks for the metrics.
    Metrics,
    /// It is refused.
    Refused(Refused),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no HTTP request.
    Malformed,
    /// It asks for something else.
    NotFound,
    /// It wants something else than to read them.
    Method,
    /// It took too long to come.
    Late,
    /// Its head is longer than [`LONGEST`].
    TooLong,
    /// It speaks another version of HTTP.
    Version,
}

impl Refused {
    /// Its status, and that in words.
    pub fn status(self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::Late => "408 Request Timeout",
            Self::TooLong => "431 Request Header Fields Too Large",
            Self::Version => "505 HTTP Version Not Supported",
        }
    }
}

/// What is asked by these bytes, which a connection begins with. What was refused stays so, whatever comes behind it.
pub fn read(bytes: &[u8]) -> Asked {
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let mut rest = bytes;
    let mut first = None;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = &rest[end + 1..];
        match first {
            None => match request_line(line) {
                Ok(asked) => first = Some(asked),
                Err(why) => return Asked::Refused(why),
            },
            Some(asked) if line.is_empty() => return asked,
            Some(_) if is_field(line) => {}
            Some(_) => return Asked::Refused(Refused::Malformed),
        }
    }
    // what can never become a line of a head need not be waited for
    let begun = rest.strip_suffix(b"\r").unwrap_or(rest);
    if !begun.iter().all(|byte| is_text(*byte)) {
        return Asked::Refused(Refused::Malformed);
    }
    if bytes.len() == LONGEST { Asked::Refused(Refused::TooLong) } else { Asked::More }
}

fn request_line(line: &[u8]) -> Result<Asked, Refused> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refused::Malformed);
    };
    let is_method = (1..=LONGEST_METHOD).contains(&method.len()) && method.iter().all(u8::is_ascii_uppercase);
    let is_target = !target.is_empty() && target.iter().all(u8::is_ascii_graphic);
    if !is_method || !is_target {
        return Err(Refused::Malformed);
    }
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => {}
        other if other.starts_with(b"HTTP/") && other[5..].iter().all(u8::is_ascii_graphic) => {
            return Err(Refused::Version);
        }
        _ => return Err(Refused::Malformed),
    }
    match (path(target), method) {
        (PATH, b"GET") => Ok(Asked::Metrics),
        (PATH, _) => Ok(Asked::Refused(Refused::Method)),
        _ => Ok(Asked::Refused(Refused::NotFound)),
    }
}

/// The path of a target, without its query; what a proxy asks for begins with `http://HOST`.
fn path(target: &[u8]) -> &[u8] {
    let behind_host = |rest: &'_ [u8]| memchr::memchr(b'/', rest);
    let target = match target.strip_prefix(b"http://") {
        Some(rest) => behind_host(rest).map_or(&b"/"[..], |at| &rest[at..]),
        None => target,
    };
    memchr::memchr(b'?', target).map_or(target, |at| &target[..at])
}

/// A name, a colon, and what is printable.
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    colon > 0 && line[..colon].iter().all(is_token) && line[colon..].iter().all(|byte| is_text(*byte))
}

/// What may stand in a line of a head: RFC 9110, 5.5.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_the_metrics_gets_them() {
        for head in [
            "GET /metrics HTTP/1.1\r\nHost: localhost:9470\r\nAccept: text/plain;version=0.0.4\r\n\r\n",
            "GET /metrics HTTP/1.0\r\n\r\n",
            "GET /metrics HTTP/1.0\n\n",
            "GET /metrics?name%5B%5D=up HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET http://127.0.0.1:9470/metrics HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\nbehind it\0",
        ] {
            assert_eq!(read(head.as_bytes()), Asked::Metrics, "{head}");
        }
    }

    #[test]
    fn everything_else_is_refused_for_what_it_is() {
        let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(1 << 20));
        for (head, why) in [
            ("GET / HTTP/1.1\r\n\r\n", Refused::NotFound),
            ("GET /metrics/ HTTP/1.1\r\n\r\n", Refused::NotFound),
            ("GET /../metrics HTTP/1.1\r\n\r\n", Refused::NotFound),
            ("GET http://x HTTP/1.1\r\n\r\n", Refused::NotFound),
            ("OPTIONS * HTTP/1.1\r\n\r\n", Refused::NotFound),
            ("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", Refused::Method),
            ("HEAD /metrics HTTP/1.1\r\n\r\n", Refused::Method),
            ("PRI * HTTP/2.0\r\n\r\n", Refused::Version),
            ("GET /metrics HTTP/11\r\n\r\n", Refused::Version),
            ("GET  /metrics HTTP/1.1\r\n\r\n", Refused::Malformed),
            ("GET /metrics\r\n\r\n", Refused::Malformed),
            ("get /metrics HTTP/1.1\r\n\r\n", Refused::Malformed),
            ("\r\nGET /metrics HTTP/1.1\r\n\r\n", Refused::Malformed),
            ("GET /metrics FTP/1.1\r\n\r\n", Refused::Malformed),
            ("GET /metrics HTTP/1.1\r\nno field\r\n\r\n", Refused::Malformed),
            ("GET /metrics HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n", Refused::Malformed),
            ("GET /metrics HTTP/1.1\r\nA: b\rc\r\n\r\n", Refused::Malformed),
            ("GET /metr\0", Refused::Malformed),
            ("\x16\x03\x01\x02\0\x01\0", Refused::Malformed),
            (long.as_str(), Refused::TooLong),
        ] {
            assert_eq!(read(head.as_bytes()), Asked::Refused(why), "{}", &head[..head.len().min(60)]);
        }
    }

    #[test]
    fn it_does_not_matter_where_it_is_cut() {
        let head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for at in 0..head.len() {
            assert_eq!(read(&head[..at]), Asked::More, "{at}");
        }
        let (whole, most) = (vec![b'A'; LONGEST], LONGEST - 1);
        assert_eq!((read(&whole[..most]), read(&whole)), (Asked::More, Asked::Refused(Refused::TooLong)));
    }
}
