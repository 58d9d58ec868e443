// Documents, found by what they mean and by the words that they have.
#include <iostream>

#include "stele/hashing_embedder.hpp"
#include "stele/vector_index.hpp"

namespace manual {

struct Page {
    std::string url;
    std::string title;
    std::string body;
};
STELE_DESCRIBE(Page, (url), (title), (body))

}  // namespace manual

using manual::Page;
using stele::field;

int main() {
    stele::Database database = stele::Database::open();
    stele::VectorIndex<Page> pages(database, std::make_shared<stele::HashingEmbedder>(),
                                   {.text = {field(&Page::title), field(&Page::body)}});
    pages.index({{"/e17", "Error E17", "The water inlet is blocked."},
                 {"/e18", "Error E18", "The drain is blocked. See also E17."},
                 {"/clean", "Cleaning", "Rinse the filter of the inlet once a month."}},
                &Page::body, {.key = &Page::url});

    // the question by meaning, and of its words those that matter
    const std::string question = "My machine shows E17, what is wrong?";
    for (const auto& found : pages.search_hybrid(question, {.limit = 2, .words = "e17 or inlet"})) {
        std::cout << found.value.url << ' ' << found.score << (found.text_place ? " has the words\n" : "\n");
    }
}
