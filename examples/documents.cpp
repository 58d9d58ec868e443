// Documents, found by what they mean and by what is known of them.
#include <iostream>

#include "stele/hashing_embedder.hpp"
#include "stele/vector_index.hpp"

namespace support {

struct Page {
    std::string url;
    std::string text;
    std::string language = "en";
    std::vector<std::string> tags;
};
STELE_DESCRIBE(Page, (url), (text), (language), (tags))

}  // namespace support

using stele::field;
using support::Page;

int main() {
    stele::Database database = stele::Database::open();
    // by wording; stele::LocalEmbedder knows what words mean
    stele::VectorIndex<Page> pages(database, std::make_shared<stele::HashingEmbedder>());

    // the same page again replaces it, and is embedded again only if its text has changed
    pages.index({{"/reset", "Press the reset button for ten seconds.", "en", {"faq"}},
                 {"/order", "Orders are sent within two days.", "en", {"faq", "shop"}},
                 {"/bestellung", "Bestellungen gehen in zwei Tagen hinaus.", "de", {"shop"}}},
                &Page::text, {.key = &Page::url});

    const auto faq = where(field(&Page::language) == "en" && field(&Page::tags).contains("faq"));
    for (const auto& found : pages.search("Where is the reset button?", {.limit = 2, .where = faq})) {
        std::cout << found.value.url << ' ' << *found.score << '\n';
    }
    // like the question and unlike one another
    for (const auto& found : pages.search("orders", {.limit = 2, .rerank = true})) std::cout << found.value.url << '\n';

    std::cout << pages.remove(field(&Page::language).is_one_of({"de", "fr"})) << " removed, " << pages.count()
              << " left\n";
}
