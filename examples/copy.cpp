#include <iostream>
#include <stele/stele.hpp>

int main() {
    auto database = stele::Database::open({.schema = "hello"});
    database.execute("CREATE TABLE IF NOT EXISTS hello.numbers (n bigint, name text)");

    auto transaction = database.begin();
    stele::CopyIn in(transaction, stele::CopyTable{.name = "numbers", .columns = {"n", "name"}, .schema = "hello"});
    for (std::int64_t n = 0; n < 1'000'000; ++n) in.add(n, "number " + std::to_string(n));
    std::cout << in.finish() << " rows in\n";
    transaction.commit();

    auto connection = database.connect();
    stele::CopyOut out(connection, "SELECT n, name FROM hello.numbers");
    std::int64_t sum = 0;
    while (const auto row = out.next()) sum += row->get<std::int64_t>("n");
    std::cout << out.rows() << " rows out, sum " << sum << "\n";
}
