//! What the double was told, in a file: a restart tells it again.
use super::StartError;
use super::write::Write;
use prost::Message;
use qdrant_client::qdrant::{CreateCollection, DeleteCollection, UpdateCollection};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"QDouble1";
const CREATE: u8 = 100;
const DELETE: u8 = 101;
const UPDATE: u8 = 102;

/// One line of it.
#[allow(
    clippy::large_enum_variant,
    reason = "made once, to be written down or applied at once"
)]
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Create(CreateCollection),
    Delete(DeleteCollection),
    Update(UpdateCollection),
    Write(Write),
}

/// Open for appending. What was appended survives the end of the process; of a line that was cut off nothing is kept.
pub(super) struct Journal {
    file: File,
}

impl Journal {
    /// The journal of a directory, and what stands in it.
    pub(super) fn open(dir: &Path) -> Result<(Self, Vec<Entry>), StartError> {
        let path = dir.join("journal");
        let failed = |why| StartError::Io {
            what: path.display().to_string(),
            why,
        };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() < MAGIC.len() {
            file.set_len(0)
                .and_then(|()| file.rewind())
                .map_err(failed)?;
            file.write_all(MAGIC).map_err(failed)?;
            return Ok((Self { file }, vec![]));
        }
        if !bytes.starts_with(MAGIC) {
            return Err(StartError::NotOurs(path));
        }
        let (entries, whole) = entries(&bytes, &path)?;
        file.set_len(whole)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(failed)?;
        Ok((Self { file }, entries))
    }

    /// One line more, in one write.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let (kind, body) = match entry {
            Entry::Create(of) => (CREATE, of.encode_to_vec()),
            Entry::Delete(of) => (DELETE, of.encode_to_vec()),
            Entry::Update(of) => (UPDATE, of.encode_to_vec()),
            Entry::Write(write) => write.encode(),
        };
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut line = Vec::with_capacity(body.len() + 5);
        line.push(kind);
        line.extend(length.to_le_bytes());
        line.extend(body);
        self.file.write_all(&line)
    }
}

/// The whole lines, and where they end.
fn entries(bytes: &[u8], path: &Path) -> Result<(Vec<Entry>, u64), StartError> {
    let not_ours = || StartError::NotOurs(PathBuf::from(path));
    let (mut entries, mut at) = (vec![], MAGIC.len());
    while let Some(head) = bytes.get(at..at + 5) {
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let Some(body) = bytes.get(at + 5..at + 5 + length) else {
            break;
        };
        entries.push(match head[0] {
            CREATE => Entry::Create(Message::decode(body).map_err(|_| not_ours())?),
            DELETE => Entry::Delete(Message::decode(body).map_err(|_| not_ours())?),
            UPDATE => Entry::Update(Message::decode(body).map_err(|_| not_ours())?),
            kind => {
                let write = Write::decode(kind, body).map_err(|_| not_ours())?;
                Entry::Write(write.ok_or_else(not_ours)?)
            }
        });
        at += 5 + length;
    }
    Ok((entries, at as u64))
}
