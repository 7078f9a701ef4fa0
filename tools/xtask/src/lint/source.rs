//! Rust files as tokens, so that a rule never takes a comment or a text for code.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Reads a file as Rust's tokens.
pub(crate) fn tokens(text: &str) -> Result<Vec<TokenTree>> {
    let stream: TokenStream =
        text.parse().map_err(|err| anyhow!("cannot be read as Rust: {err}"))?;
    Ok(stream.into_iter().collect())
}

/// Calls `each` with what follows each position, also inside of brackets.
pub(crate) fn walk(tokens: &[TokenTree], each: &mut impl FnMut(&[TokenTree])) {
    for (at, token) in tokens.iter().enumerate() {
        each(&tokens[at..]);
        if let TokenTree::Group(group) = token {
            walk(&group.stream().into_iter().collect::<Vec<_>>(), each);
        }
    }
}

/// Returns what stands between the brackets if `tokens` begin with an attribute.
pub(crate) fn attribute(tokens: &[TokenTree]) -> Option<Vec<TokenTree>> {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Group(group), ..]
            if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            Some(group.stream().into_iter().collect())
        }
        _ => None,
    }
}

/// Returns whether a token is the word `word`.
pub(crate) fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(found)) if found == word)
}

/// Returns the line that a token begins on, from 1.
pub(crate) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// Returns the line that `offset` is on, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::{attribute, is_word, line, line_of, tokens, walk};

    #[test]
    fn attributes_are_found_inside_of_brackets_and_not_in_texts() {
        let text =
            "// #[mark]\nconst A: &str = \"#[mark]\";\nmacro! { mod a {\n#[mark] fn f() {} } }";
        let mut lines = Vec::new();
        walk(&tokens(text).expect("Rust"), &mut |rest| {
            if attribute(rest).is_some_and(|inside| is_word(inside.first(), "mark")) {
                lines.push(line(&rest[0]));
            }
        });
        assert_eq!(lines, [4]);
    }

    #[test]
    fn what_is_no_rust_is_an_error() {
        assert!(tokens("fn a() { \"").is_err());
        assert!(tokens("fn f<'a>(r#type: &'a str) {} /* /* */ */").is_ok());
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!((line_of("a\nb", 0), line_of("a\nb", 2)), (1, 2));
    }
}
