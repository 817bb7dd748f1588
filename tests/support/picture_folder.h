/* picture_folder.h: a folder of a test's own with pictures in sub-folders, removed with all that is in it. */
#ifndef SUPPORT_PICTURE_FOLDER_H
#define SUPPORT_PICTURE_FOLDER_H

#include "picture_make.h"

/* A new folder below /tmp; ends the program when there can't be one. */
void folder_begin(void);
void folder_end(void);
/* The full path of a name in it; holds until the eighth call after it. */
const char *folder_path(const char *name);
/* Makes the sub-folders on the way and writes a file. */
const char *folder_write(const char *name, const void *bytes, size_t size);
/* Writes a made file and frees it. False, and nothing is written, when soma was built without its library. */
bool folder_picture(const char *name, made_file file);
/* A grey PNG all of whose pixels have one value. */
bool folder_grey(const char *name, int width, int height, uint8_t value);

#endif
