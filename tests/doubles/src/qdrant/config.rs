//! What a collection is made of, checked when it is created.
use super::refusal::{not_played, without, wrong_input};
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CreateCollection, Datatype, Distance, Modifier, StrictModeConfig, VectorParams,
};
use std::collections::BTreeMap;
use tonic::Status;

/// A dense vector of every point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dense {
    pub(super) size: usize,
    /// Cosine: vectors are made unit length when they are stored. Else the dot product is taken as it is.
    pub(super) cosine: bool,
}

/// What is fixed when a collection is created.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// By name; `""` is the one without a name.
    pub(super) dense: BTreeMap<String, Dense>,
    /// By name; whether the weights of a query are multiplied with the inverse document frequency.
    pub(super) sparse: BTreeMap<String, bool>,
}

impl Shape {
    pub(super) fn of(asked: &CreateCollection) -> Result<Self, Status> {
        if asked.collection_name.is_empty() || asked.collection_name.len() > 255 {
            return Err(wrong_input("a collection's name has 1 to 255 characters"));
        }
        without(
            "custom sharding",
            &asked.sharding_method.filter(|method| *method != 0),
        )?;
        without(
            "quantization: scores would differ",
            &asked.quantization_config,
        )?;
        asked.strict_mode_config.as_ref().map_or(Ok(()), strict)?;
        let mut shape = Self::default();
        match asked
            .vectors_config
            .as_ref()
            .and_then(|config| config.config.as_ref())
        {
            None => {}
            Some(Config::Params(one)) => {
                shape.dense.insert(String::new(), dense(one)?);
            }
            Some(Config::ParamsMap(named)) => {
                for (name, params) in &named.map {
                    shape.dense.insert(name.clone(), dense(params)?);
                }
            }
        }
        for (name, params) in asked
            .sparse_vectors_config
            .iter()
            .flat_map(|config| &config.map)
        {
            let datatype = params.index.and_then(|index| index.datatype);
            without(
                "weights that are not f32",
                &datatype.filter(|kind| !is_f32(*kind)),
            )?;
            if shape.dense.contains_key(name) {
                return Err(wrong_input(format!("Duplicate vector name {name}")));
            }
            shape
                .sparse
                .insert(name.clone(), params.modifier == Some(Modifier::Idf as i32));
        }
        Ok(shape)
    }
}

fn is_f32(datatype: i32) -> bool {
    [Datatype::Default as i32, Datatype::Float32 as i32].contains(&datatype)
}

fn dense(params: &VectorParams) -> Result<Dense, Status> {
    without("multivectors", &params.multivector_config)?;
    without(
        "quantization: scores would differ",
        &params.quantization_config,
    )?;
    without(
        "vectors that are not f32",
        &params.datatype.filter(|kind| !is_f32(*kind)),
    )?;
    let cosine = match Distance::try_from(params.distance) {
        Ok(Distance::Cosine) => true,
        Ok(Distance::Dot) => false,
        Ok(Distance::UnknownDistance) | Err(_) => {
            return Err(wrong_input("a vector without a distance"));
        }
        Ok(other) => return Err(not_played(format!("the distance {other:?}"))),
    };
    match usize::try_from(params.size) {
        Ok(size) if (1..=65_536).contains(&size) => Ok(Dense { size, cosine }),
        _ => Err(wrong_input(format!(
            "a vector of {} numbers: 1 to 65536 are allowed",
            params.size
        ))),
    }
}

/// Refuses what of the strict mode is not played, so that no test believes that it is kept.
pub(super) fn strict(asked: &StrictModeConfig) -> Result<(), Status> {
    without(
        "limits of rates",
        &asked.read_rate_limit.or(asked.write_rate_limit),
    )?;
    let sizes = asked
        .max_collection_vector_size_bytes
        .or(asked.max_collection_payload_size_bytes);
    without(
        "limits of a collection's size",
        &sizes.or(asked.max_points_count),
    )?;
    without("limits of single vectors", &asked.sparse_config)?;
    without("limits of single vectors", &asked.multivector_config)?;
    without("limits of memory", &asked.max_timeout)?;
    without("limits of indexes", &asked.max_payload_index_count)
}
