//! Every statement that is ever sent to the database. All of it is plain enough for the databases that speak
//! PostgreSQL's protocol and spread tables over machines (Citus, YugabyteDB, CockroachDB): each table is spread by its
//! column `part`, which stands first in its primary key, and nothing is used that these do not have or do otherwise.
//!
//! `tasuki_entry` holds the entries ([`super::place`] says how a key is cut). `tasuki_turn` holds the one row, with no
//! writer, that all writers take turns at, and a row for each writer that says which turn was its last.

/// Made when they are not there.
pub(super) const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS tasuki_entry (
        part bytea NOT NULL,
        rest bytea NOT NULL,
        value bytea NOT NULL,
        PRIMARY KEY (part, rest))",
    "CREATE TABLE IF NOT EXISTS tasuki_turn (
        part bytea NOT NULL,
        writer bytea NOT NULL,
        turn bigint NOT NULL,
        position bigint NOT NULL,
        owner bytea NOT NULL,
        beat bigint NOT NULL,
        PRIMARY KEY (part, writer))",
];

/// Settings with which a commit would not be durable.
pub(super) const NOT_DURABLE: &str =
    "SELECT name FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off'";

/// Said once on each connection: go by the primary key. A plan is made while the tables are still empty, when reading all
/// of them looks cheap, and kept while they grow. A database that does not know these settings is left to itself.
pub(super) const BY_KEY: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;
    SET enable_mergejoin = off; SET enable_sort = off";

/// A transaction; one whose client is gone is ended by the server.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// A row of turns that is not there yet.
pub(super) const NEW_WRITER: &str = "INSERT INTO tasuki_turn (part, writer, turn, position, owner, beat)
    VALUES ($1, $2, 0, 0, '', 0) ON CONFLICT (part, writer) DO NOTHING";

/// The row of turns and the writer's own. Whoever has them is alone with the store until its transaction ends.
pub(super) const TAKE_TURN: &str = "SELECT writer, turn, position, owner FROM tasuki_turn
    WHERE part = $1 AND writer = ANY($2) FOR UPDATE";

/// Counts the turn. Every transaction that writes does so, whether it adds to the log or not: where a database shows a
/// transaction the state at its beginning, that is what tells it that another was faster.
pub(super) const COUNT_TURN: &str = "UPDATE tasuki_turn SET turn = $4, position = $5
    WHERE part = $1 AND ((writer = '' AND turn = $3) OR writer = $2)";

/// The store belongs to the writer, or to nobody.
pub(super) const OWN: &str = "UPDATE tasuki_turn SET turn = turn + 1, owner = $3
    WHERE part = $1 AND writer = '' AND owner = $2";

/// A sign of life.
pub(super) const BEAT: &str = "UPDATE tasuki_turn SET beat = beat + 1 WHERE part = $1 AND writer = $2";

/// What is known of writers, without waiting for any of them.
pub(super) const LOOK: &str = "SELECT owner, beat FROM tasuki_turn WHERE part = $1 AND writer = $2";

/// A writer that has left.
pub(super) const FORGET: &str = "DELETE FROM tasuki_turn WHERE part = $1 AND writer = $2";

/// The values of many keys.
pub(super) const GET_MANY: &str = "SELECT entry.part, entry.rest, entry.value
    FROM unnest($1::bytea[], $2::bytea[]) AS given (part, rest)
    JOIN tasuki_entry AS entry ON entry.part = given.part AND entry.rest = given.rest";

/// Writes many entries, each key once.
pub(super) const PUT_MANY: &str = "INSERT INTO tasuki_entry (part, rest, value)
    SELECT part, rest, value FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS given (part, rest, value)
    ON CONFLICT (part, rest) DO UPDATE SET value = excluded.value";

/// Takes away many entries.
pub(super) const DELETE_MANY: &str = "DELETE FROM tasuki_entry AS entry
    USING unnest($1::bytea[], $2::bytea[]) AS given (part, rest)
    WHERE entry.part = given.part AND entry.rest = given.rest";

/// The value of a key.
pub(super) const GET: &str = "SELECT value FROM tasuki_entry WHERE part = $1 AND rest = $2";

/// Entries of one partition, up to a key or to its end.
pub(super) const SCAN_ONE: [&str; 2] = [
    "SELECT part, rest, value FROM tasuki_entry
    WHERE part = $1 AND rest >= $2 AND rest < $3 ORDER BY rest LIMIT $4",
    "SELECT part, rest, value FROM tasuki_entry
    WHERE part = $1 AND rest >= $2 AND rest < $3 ORDER BY rest DESC LIMIT $4",
];
pub(super) const SCAN_ONE_TO_ITS_END: [&str; 2] = [
    "SELECT part, rest, value FROM tasuki_entry
    WHERE part = $1 AND rest >= $2 ORDER BY rest LIMIT $3",
    "SELECT part, rest, value FROM tasuki_entry
    WHERE part = $1 AND rest >= $2 ORDER BY rest DESC LIMIT $3",
];

/// Entries of several partitions.
pub(super) const SCAN_MANY: [&str; 2] = [
    "SELECT part, rest, value FROM tasuki_entry
    WHERE (part, rest) >= ($1, $2) AND (part, rest) < ($3, $4) ORDER BY part, rest LIMIT $5",
    "SELECT part, rest, value FROM tasuki_entry
    WHERE (part, rest) >= ($1, $2) AND (part, rest) < ($3, $4) ORDER BY part DESC, rest DESC LIMIT $5",
];

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&[&str]; 8] = [
        &TABLES,
        &[NOT_DURABLE, BY_KEY, BEGIN, COMMIT, ROLLBACK],
        &[NEW_WRITER, TAKE_TURN, COUNT_TURN, OWN, BEAT, LOOK, FORGET],
        &[GET_MANY, PUT_MANY, DELETE_MANY, GET],
        &SCAN_ONE,
        &SCAN_ONE_TO_ITS_END,
        &SCAN_MANY,
        &[],
    ];

    /// What the databases of this kind do not have, do otherwise, or do at one machine only.
    const FORBIDDEN: [&str; 40] = [
        "LISTEN",
        "NOTIFY",
        "PG_ADVISORY",
        "PG_TRY_ADVISORY",
        "LOCK TABLE",
        "SERIAL",
        "SEQUENCE",
        "NEXTVAL",
        "IDENTITY",
        "SKIP LOCKED",
        "NOWAIT",
        "TRIGGER",
        "EXTENSION",
        "FUNCTION",
        "PROCEDURE",
        "LANGUAGE",
        "DO $$",
        "WITH ",
        "CTID",
        "XMIN",
        "NOW()",
        "CURRENT_TIMESTAMP",
        "CLOCK_TIMESTAMP",
        "RANDOM",
        "GEN_RANDOM",
        "UUID_GENERATE",
        "TEMP",
        "INHERITS",
        "EXCLUDE ",
        "DEFERRABLE",
        "REFERENCES",
        "UNIQUE",
        "CURSOR",
        "COPY",
        "TRUNCATE",
        "GENERATED",
        "MERGE INTO",
        "JSON",
        "LIKE",
        "COLLATE",
    ];

    #[test]
    fn only_the_portable_subset_is_used() {
        for statement in ALL.into_iter().flatten() {
            let text = statement.to_uppercase();
            for forbidden in FORBIDDEN {
                assert!(!text.contains(forbidden), "{forbidden} in {statement}");
            }
            assert!(
                !text.contains("SET ")
                    || *statement == BY_KEY
                    || text.contains("UPDATE ")
                    || text.contains("SET LOCAL"),
                "{statement}"
            );
            if text.contains("FOR UPDATE") {
                assert!(text.contains("WHERE PART = $1"), "rows of more than one shard are locked: {statement}");
            }
            if text.starts_with("CREATE") {
                assert!(text.contains("PRIMARY KEY (PART,"), "not spread by its partition: {statement}");
            } else if text.starts_with("UPDATE") {
                assert!(text.contains("WHERE PART = $1"), "not in one partition: {statement}");
                assert!(!text.contains("SET PART"), "a row never moves: {statement}");
            } else if text.contains("FROM TASUKI") || text.contains("JOIN TASUKI") || text.contains("INTO TASUKI") {
                assert!(text.contains("PART"), "the partition is not named: {statement}");
            }
        }
    }

    /// Statements stand in this file or nowhere, and all of them are looked at.
    #[test]
    fn no_statement_stands_elsewhere() {
        let here = include_str!("sql.rs").split("#[cfg(test)]").next().unwrap();
        let looked_at: usize = ALL.into_iter().map(<[&str]>::len).sum();
        let arrays = [TABLES.len(), SCAN_ONE.len(), SCAN_ONE_TO_ITS_END.len(), SCAN_MANY.len()];
        let constants = here.matches("pub(super) const").count();
        assert_eq!(looked_at, constants - arrays.len() + arrays.iter().sum::<usize>());
        for other in ["mod.rs", "place.rs", "turn.rs", "lease.rs", "connect.rs"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/postgres");
            let text = std::fs::read_to_string(folder.join(other)).unwrap();
            for word in ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "BEGIN", "SET "] {
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                assert!(!code.into_iter().any(|line| line.contains(&format!("\"{word}"))), "{word} in {other}");
            }
        }
    }
}
