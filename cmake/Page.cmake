# Puts the studio's page into the program: cmake -DPAGE=build/soma-studio.html -DOUT=folder -P cmake/Page.cmake writes
# OUT/page.c with the page in it, compressed by gzip, or with nothing where there is no page. Run at each build; what is
# there already stays untouched as long as the page is the same.
set(size 0)
set(what "no page")
set(content "")
if(EXISTS "${PAGE}")
  file(SHA256 "${PAGE}" what)
  set(content "        \".incbin \\\"${OUT}/page.html.gz\\\"\\n\"\n")
endif()
file(SHA256 "${CMAKE_CURRENT_LIST_FILE}" way) # another version of this file may write it in another way
set(head "/* Made by cmake/Page.cmake of the studio's page: ${what}, ${way}. */\n")
if(EXISTS "${OUT}/page.c")
  file(READ "${OUT}/page.c" before)
  string(FIND "${before}" "${head}" found)
  if(found EQUAL 0)
    return()
  endif()
endif()
if(EXISTS "${PAGE}")
  file(MAKE_DIRECTORY "${OUT}")
  file(ARCHIVE_CREATE OUTPUT "${OUT}/page.html.gz" PATHS "${PAGE}" FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
  file(SIZE "${OUT}/page.html.gz" size)
endif()
file(WRITE "${OUT}/page.c" "${head}#include \"studio.h\"

const size_t studio_page_size = ${size};

__asm__(\".section .rodata\\n\"
        \".global studio_page\\n\"
        \"studio_page:\\n\"
${content}        \".byte 0\\n\"
        \".previous\\n\");
")
