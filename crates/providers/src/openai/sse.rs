//! Server-sent events, read as they come: the data of each event, whatever way its bytes are cut.
use crate::ProviderError;

/// The longest line, in bytes.
const MAX_LINE: usize = 256 << 10;
/// The longest event, in bytes.
const MAX_EVENT: usize = 1 << 20;

/// Bytes in, events out.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed after it ends nothing.
    after_return: bool,
}

impl Events {
    /// The data of the events that these bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<String>, ProviderError> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()?),
                _ if self.line.len() == MAX_LINE => {
                    return Err(ProviderError::Nonsense(format!(
                        "a line of more than {MAX_LINE} bytes"
                    )));
                }
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Result<Option<String>, ProviderError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return Ok(self.data.take());
        }
        let line = String::from_utf8(line)
            .map_err(|_| ProviderError::Nonsense("bytes that are not text".into()))?;
        let (field, value) = line.split_once(':').unwrap_or((line.as_str(), ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) if data.len() + value.len() > MAX_EVENT => {
                    return Err(ProviderError::Nonsense(format!(
                        "an event of more than {MAX_EVENT} bytes"
                    )));
                }
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_their_bytes_are_cut() {
        let stream = ": hello\r\n\r\ndata: {\"é\":1}\r\n\r\nevent: x\ndata:a\ndata: b\n\nretry\n\ndata: end\r\r".as_bytes();
        for size in 1..stream.len() {
            let mut events = Events::default();
            let read: Vec<String> = stream
                .chunks(size)
                .flat_map(|bytes| events.feed(bytes).expect("events"))
                .collect();
            assert_eq!(read, ["{\"é\":1}", "a\nb", "end"], "in pieces of {size}");
        }
    }
    #[test]
    fn a_line_without_an_end_and_bytes_that_are_no_text_are_nonsense() {
        let mut events = Events::default();
        assert!(matches!(
            events.feed(&vec![b'x'; MAX_LINE + 1]),
            Err(ProviderError::Nonsense(_))
        ));
        assert!(matches!(
            Events::default().feed(b"data: \xff\n"),
            Err(ProviderError::Nonsense(_))
        ));
    }
}
