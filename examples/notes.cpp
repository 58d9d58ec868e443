// Documents of no type of yours: any JSON, with filters by path.
#include <iostream>

#include "stele/hashing_embedder.hpp"
#include "stele/index_tables.hpp"
#include "stele/vector_index.hpp"

using stele::Json;

int main() {
    stele::Database database = stele::Database::open();
    stele::VectorIndex<Json> notes(database, std::make_shared<stele::HashingEmbedder>(), {.table = "notes"});
    const auto whole = [](const Json& note) { return note.text(); };
    notes.index({Json::parse(R"({"text":"buy tea","by":{"name":"Ada"}})"), Json::parse(R"({"text":"buy milk"})")},
                whole);

    const auto by_ada = stele::json_field("by.name") == "Ada";
    for (const auto& found : notes.search("tea", {.where = by_ada})) std::cout << found.value.text() << '\n';
    const stele::FilterOf<Json> typed(stele::Filter::parse("text contains milk or by.name starts with A"));
    std::cout << notes.count(typed) << " notes\n";

    for (const auto& table : stele::index_tables(database)) {
        std::cout << table.table << ": " << table.dimension << " dimensions\n";
    }
}
