//! The collection and its indexes. A worker never makes them.
use super::names::{
    CHATBOT, DENSE, GENERATION, KEY, KIND, OF_DOCUMENT, STAGED_AT, TENANT, TEXT, VERSION,
};
use super::{QdrantSearch, fault};
use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::{
    CreateCollection, CreateFieldIndexCollection, Distance, FieldType, HnswConfigDiff,
    IntegerIndexParams, KeywordIndexParams, Modifier, PayloadIndexParams, SparseVectorConfig,
    SparseVectorParams, StrictModeConfig, VectorParams, VectorParamsMap, VectorsConfig,
    vectors_config,
};
use runtime::PortError;

/// How many neighbours a passage has in the graph of its tenant or chatbot. There is no graph of the whole collection:
/// nobody searches in all of it.
const NEIGHBOURS: u64 = 16;

impl QdrantSearch {
    /// Makes the collection and the indexes that are not there. The same again changes nothing.
    ///
    /// # Errors
    /// If the server could not; it can be called again.
    pub async fn prepare(&self) -> Result<(), PortError> {
        if !self.exists().await? {
            let created = self.client.create_collection(self.creation()).await;
            // Somebody else may have been quicker.
            if let Err(error) = created
                && !self.exists().await?
            {
                return Err(fault::of(&error));
            }
        }
        for index in self.indexes() {
            let made = self.client.create_field_index(index).await;
            made.map_err(|error| fault::of(&error))?;
        }
        Ok(())
    }

    /// What `prepare` would make: the collection's name and those of its indexes, in order.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn unprepared(&self) -> Result<Vec<String>, PortError> {
        let fields = self.indexes().into_iter().map(|index| index.field_name);
        let full = |field: String| format!("{}: {field}", self.collection);
        if !self.exists().await? {
            let all = std::iter::once(self.collection.clone()).chain(fields.map(full));
            return Ok(all.collect());
        }
        let info = self.client.collection_info(&self.collection).await;
        let info = info.map_err(|error| fault::of(&error))?;
        let there = info
            .result
            .map(|info| info.payload_schema)
            .unwrap_or_default();
        Ok(fields
            .filter(|field| !there.contains_key(field))
            .map(full)
            .collect())
    }

    /// The collection of this model.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    async fn exists(&self) -> Result<bool, PortError> {
        let exists = self.client.collection_exists(&self.collection).await;
        exists.map_err(|error| fault::of(&error))
    }

    fn creation(&self) -> CreateCollection {
        let dense = VectorParams {
            size: self.options.dimension as u64,
            distance: Distance::Cosine as i32,
            ..VectorParams::default()
        };
        let text = SparseVectorParams {
            modifier: Some(Modifier::Idf as i32),
            ..SparseVectorParams::default()
        };
        let map = VectorParamsMap {
            map: [(DENSE.to_owned(), dense)].into(),
        };
        CreateCollection {
            collection_name: self.collection.clone(),
            vectors_config: Some(VectorsConfig {
                config: Some(vectors_config::Config::ParamsMap(map)),
            }),
            sparse_vectors_config: Some(SparseVectorConfig {
                map: [(TEXT.to_owned(), text)].into(),
            }),
            hnsw_config: Some(HnswConfigDiff {
                m: Some(0),
                payload_m: Some(NEIGHBOURS),
                ..HnswConfigDiff::default()
            }),
            replication_factor: Some(self.options.replicas.max(1)),
            // A majority: so that whoever reads from a majority reads what was written.
            write_consistency_factor: Some(self.options.replicas.max(1) / 2 + 1),
            // A filter without its index would be a scan of every tenant's points.
            strict_mode_config: Some(StrictModeConfig {
                enabled: Some(true),
                unindexed_filtering_retrieve: Some(false),
                unindexed_filtering_update: Some(false),
                ..StrictModeConfig::default()
            }),
            ..CreateCollection::default()
        }
    }

    fn indexes(&self) -> Vec<CreateFieldIndexCollection> {
        let index =
            |field: &str, kind: FieldType, params: IndexParams| CreateFieldIndexCollection {
                collection_name: self.collection.clone(),
                wait: Some(true),
                field_name: field.to_owned(),
                field_type: Some(kind as i32),
                field_index_params: Some(PayloadIndexParams {
                    index_params: Some(params),
                }),
                ..CreateFieldIndexCollection::default()
            };
        let word = |field, is_tenant| {
            let params = KeywordIndexParams {
                is_tenant: Some(is_tenant),
                ..KeywordIndexParams::default()
            };
            index(
                field,
                FieldType::Keyword,
                IndexParams::KeywordIndexParams(params),
            )
        };
        let number = |field| {
            let params = IntegerIndexParams {
                lookup: Some(false),
                range: Some(true),
                ..IntegerIndexParams::default()
            };
            index(
                field,
                FieldType::Integer,
                IndexParams::IntegerIndexParams(params),
            )
        };
        vec![
            word(TENANT, true),
            word(CHATBOT, false),
            word(KIND, false),
            word(KEY, false),
            word(OF_DOCUMENT, false),
            number(STAGED_AT),
            number(GENERATION),
            number(VERSION),
        ]
    }
}
