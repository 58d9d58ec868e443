// Names of files for identifiers, which may hold anything.
//
//     support/greeting      support/greeting
//     Grüße, Ada            Gr%C3%BC%C3%9Fe,%20Ada
//     ../../etc/passwd      %2E%2E/%2E%2E/etc/passwd
//     a//b                  a%2F%2Fb
//
// A slash with something before and behind it makes a folder. Letters, digits and - _ . , + = @ ~ stay, other bytes are
// percent-encoded; so is a dot where a name would be hidden, or lost on some systems. A part of more than 80 bytes goes
// on in a folder whose name ends with %.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stele::cli {

/// One for each identifier, relative, without what says its type. No two differ in case only, also of folders: of those
/// that would, the capitals are encoded too.
std::vector<std::string> names_of_files(const std::vector<std::string>& identifiers);
/// The way back. Throws Error(invalid_argument) for a name that the above never gives, with the one that it does.
std::string identifier_of_name(std::string_view name);

/// Throws Error(invalid_argument) when two of the paths, or folders in them, differ in case only: some systems take
/// them for one.
void check_case(const std::vector<std::string>& paths);

}  // namespace stele::cli
