#include "stele/libpq.hpp"

#include "postgres/database_impl.hpp"

namespace stele {
inline namespace v0 {

Database open_on(PGconn* connection, DatabaseOptions options, std::optional<Deadline> deadline) {
    if (connection == nullptr) raise(ErrorCode::invalid_argument, "there is no connection to open a database on");
    return Database::Impl::open(std::move(options), connection, deadline);
}

}  // namespace v0
}  // namespace stele
