//! Just enough of Rust's grammar to know what is code.

/// `text` with comments and the insides of literals blanked, byte for byte, so
/// that an offset means the same in both.
pub(crate) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'r' if !is_word(bytes, at) => raw_string_end(bytes, at).unwrap_or(at + 1),
            b'\'' => char_end(bytes, at).unwrap_or(at + 1),
            _ => at + 1,
        };
        if end > at + 1 {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap_or_default()
}

/// The lines before the first `#[cfg(test)]` that opens a module.
pub(crate) fn before_tests(code: &str) -> &str {
    let mut offset = 0;
    let mut attribute = None;
    for line in code.split_inclusive('\n') {
        match line.trim() {
            "#[cfg(test)]" => attribute = Some(offset),
            trimmed => {
                if let Some(start) = attribute.filter(|_| trimmed.starts_with("mod ")) {
                    return &code[..start];
                }
                if !trimmed.is_empty() && !trimmed.starts_with("#[") {
                    attribute = None;
                }
            }
        }
        offset += line.len();
    }
    code
}

/// The line that `offset` is on, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Whether the byte before `at` belongs to an identifier.
fn is_word(bytes: &[u8], at: usize) -> bool {
    at > 0
        && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
        && bytes[at - 1] != b'b'
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n)
}

/// Block comments nest.
fn comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" if depth == 1 => return at + 2,
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut next = at + 1;
    while next < bytes.len() {
        match bytes[next] {
            b'\\' => next += 2,
            b'"' => return next + 1,
            _ => next += 1,
        }
    }
    bytes.len()
}

/// `r"…"`, `r#"…"#`; `None` for `r#type`.
fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..].iter().take_while(|b| **b == b'#').count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut closing = vec![b'"'];
    closing.resize(hashes + 1, b'#');
    let rest = &bytes[open + 1..];
    let found = rest.windows(closing.len()).position(|window| window == closing);
    Some(found.map_or(bytes.len(), |n| open + 1 + n + closing.len()))
}

/// `'x'`, `'\n'`, `'\u{1f}'`; `None` for a lifetime.
fn char_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at + 1) == Some(&b'\\') {
        let close = bytes.get(at + 3..)?.iter().position(|b| *b == b'\'')?;
        return Some(at + 3 + close + 1);
    }
    // One character of at most four bytes between the quotes.
    let width = match bytes.get(at + 1)? {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (bytes.get(at + 1 + width) == Some(&b'\'')).then_some(at + width + 2)
}

#[cfg(test)]
mod tests {
    use super::{before_tests, code_only, line_of};

    fn code(text: &str) -> String {
        let out = code_only(text);
        assert_eq!(out.len(), text.len(), "offsets must stay");
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_blank() {
        assert_eq!(code("a(); // crate::x\nb();"), "a(); b();");
        assert_eq!(code("a /* x /* y */ z */ b"), "a b");
        assert_eq!(
            code(r#"f("// \" no", 'c', '"', '\'', '\u{1f}', "é") + g"#),
            "f( , , , , , ) + g"
        );
        assert_eq!(code("f(r#\"a \" b\"#) + br\"\\\" + c"), "f( ) + b + c");
    }

    #[test]
    fn lifetimes_raw_names_and_odd_ends_are_code() {
        assert_eq!(
            code("fn f<'a>(x: &'a str, r#type: u8) {}"),
            "fn f<'a>(x: &'a str, r#type: u8) {}"
        );
        for odd in ["\"", "/*", "r#\"", "'", "'\\", "/", "r", "é'"] {
            code(odd);
        }
    }

    #[test]
    fn tests_at_the_end_are_cut_off_and_a_test_helper_is_not() {
        let text =
            "fn a() {}\n#[cfg(test)]\nfn b() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n}\n";
        assert_eq!(before_tests(text), "fn a() {}\n#[cfg(test)]\nfn b() {}\n");
        assert_eq!(before_tests("fn a() {}\n"), "fn a() {}\n");
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!((line_of("a\nb", 0), line_of("a\nb", 2)), (1, 2));
    }
}
