def rounded(number):
    return round(number, 2)
