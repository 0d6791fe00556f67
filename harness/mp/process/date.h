/* Dates without the C library, which takes a lock for them: in a forked child that may be held by a
 * thread that does not exist there. */
#ifndef FB_MP_DATE_H
#define FB_MP_DATE_H

#include <stdint.h>

/* The year, month and day in the Gregorian calendar, days (0 or more) after 1970-01-01. Inside,
 * years begin in March, so that the leap day is their last; 400 years have 146,097 days. */
static inline void fb_mp_find_date(int64_t days, int ret_date[3])
{
    int64_t since = days + 719468;                      /* since 0000-03-01 */
    int64_t era = since / 146097, day = since % 146097; /* in its 400 years */
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0: March */
    ret_date[2] = (int)(of_year - (153 * month + 2) / 5 + 1);
    ret_date[1] = (int)(month < 10 ? month + 3 : month - 9);
    ret_date[0] = (int)(year + 400 * era + (ret_date[1] <= 2));
}

#endif
