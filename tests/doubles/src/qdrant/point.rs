//! A point, and how it is read from what a client sends.
use super::config::Shape;
use super::payload::Payload;
use super::refusal::{not_played, wrong_input};
use qdrant_client::qdrant::vector::Vector as Kind;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::with_vectors_selector::SelectorOptions;
use qdrant_client::qdrant::{
    DenseVector, NamedVectorsOutput, PointStruct, SparseVector, Vector, VectorOutput, Vectors,
    VectorsOutput, WithVectorsSelector, vector_output, vectors_output,
};
use std::collections::BTreeMap;
use tonic::Status;

/// Dimensions and their weights, by dimension.
pub(super) type Sparse = Vec<(u32, f32)>;

#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    pub(super) payload: Payload,
    pub(super) dense: BTreeMap<String, Vec<f32>>,
    pub(super) sparse: BTreeMap<String, Sparse>,
    /// The number of the last write that touched it.
    pub(super) version: u64,
}

impl Point {
    pub(super) fn of(sent: &PointStruct, shape: &Shape) -> Result<Self, Status> {
        let payload = sent
            .payload
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()));
        let mut point = Self {
            payload: payload.collect(),
            ..Self::default()
        };
        match sent
            .vectors
            .as_ref()
            .and_then(|sent| sent.vectors_options.as_ref())
        {
            None => {}
            Some(VectorsOptions::Vector(vector)) => point.put("", vector, shape)?,
            Some(VectorsOptions::Vectors(named)) => {
                for (name, vector) in &named.vectors {
                    point.put(name, vector, shape)?;
                }
            }
        }
        Ok(point)
    }

    #[allow(
        deprecated,
        reason = "older clients still send vectors in the old fields"
    )]
    fn put(&mut self, name: &str, vector: &Vector, shape: &Shape) -> Result<(), Status> {
        let unknown = || wrong_input(format!("Not existing vector name error: {name}"));
        match &vector.vector {
            Some(Kind::Dense(vector)) => {
                let dense = shape.dense.get(name).ok_or_else(unknown)?;
                let vector = numbers(&vector.data, dense.size, dense.cosine)?;
                self.dense.insert(name.to_owned(), vector);
            }
            Some(Kind::Sparse(vector)) => {
                shape.sparse.get(name).ok_or_else(unknown)?;
                self.sparse
                    .insert(name.to_owned(), weights(&vector.indices, &vector.values)?);
            }
            Some(_) => return Err(not_played("multivectors and inference")),
            None if !vector.data.is_empty() => {
                return Err(not_played("the deprecated form of a vector"));
            }
            None => return Err(wrong_input(format!("the vector {name:?} is empty"))),
        }
        Ok(())
    }

    /// The vectors that are answered.
    pub(super) fn output(&self, wanted: Option<&WithVectorsSelector>) -> Option<VectorsOutput> {
        let wanted = match wanted?.selector_options.as_ref()? {
            SelectorOptions::Enable(false) => return None,
            SelectorOptions::Enable(true) => None,
            SelectorOptions::Include(only) => Some(&only.names),
        };
        let taken = |name: &String| wanted.is_none_or(|only| only.contains(name));
        if let (Some(vector), 1, true) =
            (self.dense.get(""), self.dense.len(), self.sparse.is_empty())
        {
            let only = vectors_output::VectorsOptions::Vector(dense_output(vector));
            return Some(VectorsOutput {
                vectors_options: Some(only),
            });
        }
        let dense = self.dense.iter().filter(|(name, _)| taken(name));
        let sparse = self.sparse.iter().filter(|(name, _)| taken(name));
        let vectors = dense
            .map(|(name, vector)| (name.clone(), dense_output(vector)))
            .chain(sparse.map(|(name, weights)| (name.clone(), sparse_output(weights))));
        let named = NamedVectorsOutput {
            vectors: vectors.collect(),
        };
        Some(VectorsOutput {
            vectors_options: Some(vectors_output::VectorsOptions::Vectors(named)),
        })
    }
}

/// Whether a client sent no vectors at all.
pub(super) fn bare(vectors: Option<&Vectors>) -> bool {
    vectors.is_none_or(|vectors| vectors.vectors_options.is_none())
}

/// A dense vector of the right size, of unit length where the distance is the cosine.
pub(super) fn numbers(sent: &[f32], size: usize, cosine: bool) -> Result<Vec<f32>, Status> {
    if sent.len() != size {
        let why = format!(
            "Vector dimension error: expected dim: {size}, got {}",
            sent.len()
        );
        return Err(wrong_input(why));
    }
    if sent.iter().any(|number| !number.is_finite()) {
        return Err(wrong_input("a vector holds a number that is not finite"));
    }
    let length = sent
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    if cosine && length > 0.0 {
        return Ok(sent.iter().map(|number| number / length).collect());
    }
    Ok(sent.to_vec())
}

/// A sparse vector, in the order of its dimensions.
pub(super) fn weights(indices: &[u32], values: &[f32]) -> Result<Sparse, Status> {
    if indices.len() != values.len() {
        return Err(wrong_input(
            "must have the same number of indices and values",
        ));
    }
    let mut weights: Sparse = indices
        .iter()
        .copied()
        .zip(values.iter().copied())
        .collect();
    weights.sort_by_key(|(dimension, _)| *dimension);
    if weights.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(wrong_input(
            "must be unique: a dimension comes twice in a sparse vector",
        ));
    }
    Ok(weights)
}

#[allow(
    deprecated,
    reason = "the struct has deprecated fields, and no way around them"
)]
fn output(vector: vector_output::Vector) -> VectorOutput {
    VectorOutput {
        data: vec![],
        indices: None,
        vectors_count: None,
        vector: Some(vector),
    }
}

fn dense_output(vector: &[f32]) -> VectorOutput {
    let data = vector.to_vec();
    output(vector_output::Vector::Dense(DenseVector { data }))
}

fn sparse_output(weights: &[(u32, f32)]) -> VectorOutput {
    let (indices, values) = weights.iter().copied().unzip();
    output(vector_output::Vector::Sparse(SparseVector {
        values,
        indices,
    }))
}
