//! Who is calling: bearer tokens, client certificates, registered clients.
