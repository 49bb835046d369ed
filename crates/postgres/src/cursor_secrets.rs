//! The secret that signs cursors when none is configured.

use bwp_domain::{paging::CursorSecret, store::StoreError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, rows::Row, schema::cursor_secrets, store::PgStore};

/// The secrets in the database.
#[derive(Clone, Debug)]
pub struct StoredCursorSecrets {
    /// The one that signs.
    pub current: CursorSecret,
    /// The one before it.
    pub previous: Option<CursorSecret>,
}

type Columns = (Vec<u8>, Option<Vec<u8>>);

impl PgStore {
    /// The secrets in the database. If there are none, `fresh` becomes the current one; of many servers that start at
    /// once, all get the same.
    pub async fn cursor_secrets(&self, fresh: &CursorSecret) -> Result<StoredCursorSecrets, StoreError> {
        let mut connection = self.connection().await?;
        diesel::insert_into(cursor_secrets::table)
            .values(cursor_secrets::current.eq(fresh.as_bytes()))
            .on_conflict_do_nothing()
            .execute(&mut connection)
            .await
            .during("storing the first cursor secret")?;
        let row: Columns = cursor_secrets::table
            .select((cursor_secrets::current, cursor_secrets::previous))
            .first(&mut connection)
            .await
            .during("reading the cursor secrets")?;
        secrets(row)
    }

    /// Makes `fresh` the current secret, and the current one the previous one.
    pub async fn rotate_cursor_secret(&self, fresh: &CursorSecret) -> Result<StoredCursorSecrets, StoreError> {
        let mut connection = self.connection().await?;
        let row: Columns = diesel::insert_into(cursor_secrets::table)
            .values(cursor_secrets::current.eq(fresh.as_bytes()))
            .on_conflict(cursor_secrets::id)
            .do_update()
            .set((
                cursor_secrets::previous.eq(cursor_secrets::current.nullable()),
                cursor_secrets::current.eq(fresh.as_bytes()),
            ))
            .returning((cursor_secrets::current, cursor_secrets::previous))
            .get_result(&mut connection)
            .await
            .during("rotating the cursor secret")?;
        secrets(row)
    }
}

fn secrets((current, previous): Columns) -> Result<StoredCursorSecrets, StoreError> {
    let place = Row { table: "cursor_secrets", id: &true };
    Ok(StoredCursorSecrets {
        current: place.some("current", CursorSecret::new(current))?,
        previous: previous.map(|bytes| place.some("previous", CursorSecret::new(bytes))).transpose()?,
    })
}
