/* Dates. Not by the C library: that takes a lock, which in a forked child may be held by a thread
 * that is not there. */
#ifndef FB_MP_DATE_H
#define FB_MP_DATE_H

#include <stdint.h>

/* The year, month and day so many days after 1970-01-01, which are 0 or more, in the calendar of
 * today. Years are counted from March, so that the leap day is the last; 400 of them have 146,097
 * days. */
static inline void fb_mp_find_date(int64_t days, int ret_date[3])
{
    int64_t since = days + 719468;                      /* since 0000-03-01 */
    int64_t era = since / 146097, day = since % 146097; /* of 400 years */
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* March is 0 */
    ret_date[2] = (int)(of_year - (153 * month + 2) / 5 + 1);
    ret_date[1] = (int)(month < 10 ? month + 3 : month - 9);
    ret_date[0] = (int)(year + 400 * era + (ret_date[1] <= 2));
}

#endif
